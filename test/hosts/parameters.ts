/**
 * AWS's Parameter Store as far as `GetParameters` and `PutParameter` go, as strict as the real one and as odd: it believes only what is
 * signed with its key, refuses a whole call for one wrong name, and tells account numbers in its refusals.
 */
import { createHash, createHmac, randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { listen, readBody } from './http.ts';

/** Whoever signs with these is the role that may read. Temporary ones, as a function gets them. */
export interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken: string;
}

export interface ParameterStoreSettings {
  region: string;
  account: string;
  credentials: Credentials;
  /** Names that the role may not read. */
  denied: Set<string>;
  /** Names whose key the role may not use. */
  undecryptable: Set<string>;
  /** What every call gets instead of an answer. */
  fault: ParameterFault | undefined;
  /** The same for the calls to come, one each, before it is `fault`'s turn. */
  upcoming: ParameterFault[];
  /** Milliseconds before an answer. */
  delay: number;
  /** By how much its clock is ahead of this process's, in milliseconds: a signature from another time is refused. */
  ahead: number;
}

export interface ParameterStoreHost extends ParameterStoreSettings {
  readonly url: string;
  /** What is kept under a name, in its newest version. */
  get(name: string): { type: string; value: string; version: number } | undefined;
  /** Every call that came, also those that were refused. */
  readonly requests: { names: string[]; decrypted: boolean }[];
  /** Adds a version, the first or another one. */
  put(name: string, value: string, type?: 'String' | 'SecureString'): void;
  delete(name: string): void;
  /** Takes it off the network; `start` brings it back at the same address. */
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

interface Stored {
  type: 'String' | 'SecureString';
  /** The first one is version 1. */
  values: string[];
}

/** What stands in an answer's `__type` and `message`. */
class AwsError extends Error {
  readonly type: string;
  /** AWS spells the field in both ways. */
  readonly field: 'message' | 'Message';

  constructor(type: string, message: string, field: 'message' | 'Message' = 'message') {
    super(message);
    this.type = type;
    this.field = field;
  }
}

export async function startParameterStore(settings: Partial<ParameterStoreSettings> = {}) {
  const stored = new Map<string, Stored>();
  const listener = (request: IncomingMessage, response: ServerResponse) => answer(store, stored, request, response);
  let listening = await listen(listener);
  const port = Number(new URL(listening.url).port);
  const store: ParameterStoreHost = {
    region: 'eu-central-1',
    account: '123456789012',
    credentials: {
      accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
      secretAccessKey: 'the/secret+access+key',
      sessionToken: 'the//session+token==',
    },
    denied: new Set(),
    undecryptable: new Set(),
    fault: undefined,
    upcoming: [],
    delay: 0,
    ahead: 0,
    ...settings,
    url: listening.url,
    requests: [],
    put(name, value, type = 'SecureString') {
      stored.set(name, { type, values: [...(stored.get(name)?.values ?? []), value] });
    },
    get(name) {
      const { type, values } = stored.get(name) ?? { type: '', values: [] };
      const value = values.at(-1);
      return value === undefined ? undefined : { type, value, version: values.length };
    },
    delete: (name) => void stored.delete(name),
    stop: () => listening.close(),
    start: async () => void (listening = await listen(listener, { port })),
    close: () => listening.close(),
  };
  return store;
}

async function answer(
  store: ParameterStoreHost,
  stored: Map<string, Stored>,
  request: IncomingMessage,
  response: ServerResponse,
) {
  // The SDK sets its clock by this, and Node would write its own time, whatever time a test makes it.
  response.setHeader('Date', new Date(now(store)).toUTCString());
  response.setHeader('x-amzn-RequestId', randomUUID());
  const body = (await readBody(request, 64 * 1024)).toString();
  try {
    if (request.method !== 'POST' || request.url !== '/') throw new AwsError('UnknownOperationException', '');
    const isPut = request.headers['x-amz-target'] === 'AmazonSSM.PutParameter';
    const input = isPut ? readPut(body) : readInput(body);
    store.requests.push({ names: input.Names, decrypted: 'WithDecryption' in input && input.WithDecryption });
    if (store.delay > 0) await wait(store.delay);
    const fault = store.upcoming.shift() ?? store.fault;
    if (fault !== undefined) return void (await parameterFaults[fault](response, input.Names));
    checkSignature(store, request, body);
    if (!isPut && request.headers['x-amz-target'] !== 'AmazonSSM.GetParameters')
      throw new AwsError('UnknownOperationException', '');
    if (!request.headers['content-type']?.startsWith('application/x-amz-json-1.1'))
      throw new AwsError('SerializationException', 'Expected application/x-amz-json-1.1');
    send(response, 200, 'put' in input ? putParameter(store, stored, input.put) : getParameters(store, stored, input));
  } catch (error) {
    if (!(error instanceof AwsError)) throw error;
    send(response, 400, { __type: error.type, [error.field]: error.message });
  }
}

const now = ({ ahead }: ParameterStoreHost) => Date.now() + ahead;

function send(response: ServerResponse, status: number, value: unknown) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.1' }).end(text);
}

interface Input {
  Names: string[];
  WithDecryption: boolean;
}

function readInput(body: string): Input {
  const isInput = (value: unknown): value is { Names: string[]; WithDecryption?: boolean } =>
    typeof value === 'object' &&
    value !== null &&
    'Names' in value &&
    Array.isArray(value.Names) &&
    value.Names.every((name) => typeof name === 'string') &&
    (!('WithDecryption' in value) || typeof value.WithDecryption === 'boolean');
  let input: unknown;
  try {
    input = JSON.parse(body);
  } catch {
    // said below
  }
  if (!isInput(input)) throw new AwsError('SerializationException', '');
  return { Names: input.Names, WithDecryption: input.WithDecryption ?? false };
}

interface PutInput {
  Name: string;
  Value: string;
  Type?: string;
  Overwrite?: boolean;
}

function readPut(body: string): { Names: string[]; put: PutInput } {
  const put = JSON.parse(body) as PutInput;
  if (typeof put.Name !== 'string' || typeof put.Value !== 'string') throw new AwsError('SerializationException', '');
  return { Names: [put.Name], put };
}

/** @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html */
function putParameter(
  store: ParameterStoreHost,
  stored: Map<string, Stored>,
  { Name, Value, Type, Overwrite }: PutInput,
) {
  if (!isName(Name)) throw new AwsError('ValidationException', nameRule);
  if (store.denied.has(Name))
    throw new AwsError(
      'AccessDeniedException',
      `User: arn:aws:iam::${store.account}:user/owner is not authorized to perform: ssm:PutParameter on resource: ${arn(store, Name)}`,
      'Message',
    );
  if (Value === '' || Buffer.byteLength(Value) > 4096)
    throw new AwsError(
      'ValidationException',
      'Standard tier parameters support a maximum parameter value of 4096 characters.',
    );
  const old = stored.get(Name);
  if (old && Overwrite !== true)
    throw new AwsError(
      'ParameterAlreadyExists',
      'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
    );
  const type = Type ?? old?.type;
  if (type !== 'String' && type !== 'SecureString')
    throw new AwsError('ValidationException', 'A parameter type is required when you create a parameter.');
  stored.set(Name, { type, values: [...(old?.values ?? []), Value] });
  return { Tier: 'Standard', Version: stored.get(Name)?.values.length };
}

const nameRule = `Parameter name: can't be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_`;

const isName = (name: string): boolean => /^(?!ssm)(?:[\w.-]+|(?:\/(?!ssm)[\w.-]+){1,15})$/i.test(name);

function getParameters(store: ParameterStoreHost, stored: Map<string, Stored>, { Names, WithDecryption }: Input) {
  if (Names.length < 1 || Names.length > 10)
    throw new AwsError(
      'ValidationException',
      `1 validation error detected: Value '[${Names.join(', ')}]' at 'names' failed to satisfy constraint: Member must have length less than or equal to 10`,
    );
  if (new Set(Names).size < Names.length)
    throw new AwsError('ValidationException', 'Parameter names must not be repeated in one request.');
  // As a path it begins with a slash, and has 15 levels at the most. One wrong name spoils the whole call.
  if (!Names.every((name) => isName(name.replace(/:[\w.-]+$/, ''))))
    throw new AwsError('ValidationException', nameRule);
  const asked = Names.map((name) => {
    const [base = '', selector] = name.split(':');
    return { name, base, selector, parameter: stored.get(base) };
  });

  const user = `User: arn:aws:sts::${store.account}:assumed-role/the-role-${store.account}/the-function`;
  const refuse = (action: string, resource: string, rest = '') =>
    new AwsError(
      'AccessDeniedException',
      `${user} is not authorized to perform: ${action} on resource: ${resource} because no identity-based policy allows the ${action} action${rest}`,
      'Message',
    );
  // Before it says whether there is such a parameter, and for all names together.
  const denied = asked.find(({ base }) => store.denied.has(base));
  if (denied) throw refuse('ssm:GetParameters', arn(store, denied.base));
  const locked = asked.find(({ base, parameter }) => parameter && store.undecryptable.has(base));
  if (locked && WithDecryption)
    throw refuse(
      'kms:Decrypt',
      `arn:aws:kms:${store.region}:${store.account}:key/${randomUUID()}`,
      ` (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: ${randomUUID()}; Proxy: null)`,
    );

  const found = asked.flatMap(({ name, base, selector, parameter }) => {
    const version = selector === undefined ? (parameter?.values.length ?? 0) : Number(selector);
    const value = parameter?.values[version - 1];
    if (!parameter || value === undefined) return [];
    const entry = {
      ARN: arn(store, base),
      DataType: 'text',
      LastModifiedDate: Math.floor(now(store)) / 1000,
      Name: base,
      ...(selector !== undefined && { Selector: `:${selector}` }),
      Type: parameter.type,
      Value: parameter.type === 'String' || WithDecryption ? value : encrypt(value),
      Version: version,
    };
    return { name, entry };
  });
  return {
    InvalidParameters: Names.filter((name) => !found.some((one) => one.name === name)).sort(),
    // In an order of its own.
    Parameters: found.map(({ entry }) => entry).sort((a, b) => (a.Name < b.Name ? 1 : -1)),
  };
}

const arn = ({ region, account }: ParameterStoreHost, name: string) =>
  `arn:aws:ssm:${region}:${account}:parameter${name.startsWith('/') ? '' : '/'}${name}`;

/** What nobody can use, and what no other value has. */
const encrypt = (value: string) => `AQICAH${createHash('sha256').update(value).digest('base64')}`;

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest();

/** @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html */
function checkSignature(store: ParameterStoreHost, { headers }: IncomingMessage, body: string) {
  const { credentials, region } = store;
  const header = (name: string) => String(headers[name] ?? '').trim();
  const authorization = header('authorization');
  if (authorization === '') throw new AwsError('MissingAuthenticationTokenException', 'Missing Authentication Token');
  const [, key, scope = '', day = '', signedHeaders = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=(\w+)\/((\d{8})\/\S+), SignedHeaders=([\w;-]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? [];
  if (signature === undefined)
    throw new AwsError('IncompleteSignatureException', `Authorization header is malformed: ${authorization}`);
  if (key !== credentials.accessKeyId || header('x-amz-security-token') !== credentials.sessionToken)
    throw new AwsError('UnrecognizedClientException', 'The security token included in the request is invalid.');
  if (scope !== `${day}/${region}/ssm/aws4_request`)
    throw new AwsError('InvalidSignatureException', 'Credential should be scoped to a valid region.');
  const time = header('x-amz-date');
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(time)?.map(Number) ?? [];
  const [year = 0, month = 0, date = 0, hour = 0, minute = 0, second = 0] = parts;
  const age = now(store) - Date.UTC(year, month - 1, date, hour, minute, second);
  if (!time.startsWith(day) || !(Math.abs(age) <= 5 * 60_000))
    throw new AwsError('InvalidSignatureException', `Signature not of this time: ${time}`);

  const signed = signedHeaders.split(';');
  const needed = ['host', 'content-type', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
  const canonical = [
    'POST',
    '/',
    '',
    ...signed.map((name) => `${name}:${header(name).replace(/\s+/g, ' ')}`),
    '',
    signedHeaders,
    sha256(body),
  ].join('\n');
  const toSign = ['AWS4-HMAC-SHA256', time, scope, sha256(canonical)].join('\n');
  const signingKey = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${credentials.secretAccessKey}`);
  if (!needed.every((name) => signed.includes(name)) || hmac(signingKey, toSign).toString('hex') !== signature)
    throw new AwsError(
      'InvalidSignatureException',
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
    );
}

const refusal = (__type: string, message: unknown) => (response: ServerResponse) =>
  send(response, 400, { __type, message });

/** How it fails, or something in front of it. */
export const parameterFaults = {
  throttle: refusal('ThrottlingException', 'Rate exceeded'),
  expired: refusal('ExpiredTokenException', 'The security token included in the request is expired'),
  /** The words of KMS itself, which name neither the action nor the key. */
  ciphertext: refusal(
    'AccessDeniedException',
    'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access. (Service: AWSKMS; Status Code: 400; Error Code: AccessDeniedException; Request ID: 1; Proxy: null)',
  ),
  keyDisabled: refusal('InvalidKeyId', 'arn:aws:kms:eu-central-1:123456789012:key/1 is disabled.'),
  /** A message that is none. */
  number: refusal('AccessDeniedException', 5),
  silent: (response: ServerResponse) => send(response, 400, { __type: 'AccessDeniedException' }),
  error: (response: ServerResponse) => send(response, 500, { __type: 'InternalServerError' }),
  html: (response: ServerResponse) => send(response, 200, '<!doctype html><h1>Please log in</h1>'),
  html503: (response: ServerResponse) => send(response, 503, '<!doctype html><h1>Service Unavailable</h1>'),
  null: (response: ServerResponse) => send(response, 200, 'null'),
  /** Neither there nor invalid. */
  leftOut: (response: ServerResponse) => send(response, 200, { Parameters: [], InvalidParameters: [] }),
  /** Values of another type than text. */
  numbers: (response: ServerResponse, names: string[]) =>
    send(response, 200, { Parameters: names.map((Name) => ({ Name, Value: 5 })), InvalidParameters: [5] }),
  nothings: (response: ServerResponse) => send(response, 200, { Parameters: [null], InvalidParameters: 5 }),
  hang: () => {},
  /** Begins well, and never stops. */
  endless(response: ServerResponse) {
    response.writeHead(200, { 'Content-Type': 'application/x-amz-json-1.1' });
    response.write('{"Parameters":[');
    const more = () => {
      while (!response.destroyed && response.write(' '.repeat(64 * 1024)));
      response.once('drain', more);
    };
    more();
  },
  reset: (response: ServerResponse) => response.socket?.resetAndDestroy(),
} satisfies Record<string, (response: ServerResponse, names: string[]) => unknown>;

export type ParameterFault = keyof typeof parameterFaults;
