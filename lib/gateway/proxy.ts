import { commitAddress, isEditorAddress, type Editor } from './identity/editors.ts';
import { Failure, type ErrorRow } from '../http/errors.ts';
import { lazy } from '../http/cache.ts';
import { commonHeaders, isStream, type HttpReply } from '../http/http.ts';
import { openCredential, requestHeaders, type Credential } from './credential.ts';
import { gatewayErrors } from './errors.ts';
import { fetchExpiry, expiryWarning } from './expiry.ts';
import { noteAnswer, largestKept, placeOf, type Place } from './kept.ts';
import { Held, passOn, type PassedOn } from './stream.ts';
import { applyRule } from './rules/apply.ts';
import { megabytes, receiveBody, tenths } from './body.ts';
import { hostTimeoutMs } from './timeouts.ts';
import { bytesHold, textHolds } from './secret.ts';
import { findRule } from './rules/match.ts';
import { isRead, refuse, type Call, type GatewayHost, type Json, type Rule, type SentBody } from './rules/rule.ts';
import {
  sendRequest,
  rateLimited,
  mapError,
  isJson,
  isEncoded,
  jsonOf,
  messageOf,
  maxBytes,
  quoteOf,
  TooSlow,
  upstreamUrl,
  type UpstreamAnswer,
} from './upstream.ts';
import { TooLarge, type ClientResponse } from '../oauth/request.ts';
import type { Context } from '../handler/router.ts';
import type { Gateway } from './settings.ts';

/** Of an answer, what the clients read, and nothing that tells them about the credential. */
const passedHeaders = [
  'etag',
  'retry-after',
  'x-gitlab-blob-id',
  'x-total',
  'x-total-pages',
  'x-page',
  'x-per-page',
  'x-next-page',
  'x-prev-page',
  'x-ratelimit-limit',
  'x-ratelimit-remaining',
  'x-ratelimit-reset',
  'x-ratelimit-used',
  'x-ratelimit-resource',
];

/** What a page of another origin may read of it. */
export const exposed = ['content-type', 'link', ...passedHeaders].join(', ');

/** A repository may hold pages and scripts: whoever opens an answer in a window of its own gets none of that. */
const hostHeaders = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'referrer-policy': 'no-referrer',
} as const;

/**
 * Passes a call on to the host, with our credential, if a rule of the host's lets it pass.
 *
 * @param path below the host's name, as it came
 * @throws Failure for whatever stands in the way
 */
export async function proxy(
  path: string,
  gateway: Gateway<GatewayHost>,
  editor: Editor,
  context: Context,
): Promise<HttpReply> {
  try {
    return await handle(path, gateway, editor, context);
  } catch (error) {
    if (error instanceof UpstreamError) return error.reply;
    throw error;
  }
}

/** As if there were a rule for it; what may be asked is for others to say. */
const graphql: Rule = { name: 'graphql', method: 'POST', path: '', names: 'nothing' };

/**
 * Asks the host's GraphQL, with our credential.
 *
 * @param document of our own writing: nothing of what the client wrote may be in it
 * @throws Failure for whatever stands in the way
 */
export async function proxyGraphQL(
  document: string,
  gateway: Gateway<GatewayHost>,
  context: Context,
): Promise<HttpReply> {
  const url = gateway.roots.graphql_api_root;
  if (url === undefined) throw new Failure(gatewayErrors.NOT_ON_LIST);
  const sent = { body: JSON.stringify({ query: document }), type: 'application/json' };
  const answer = await fetchUpstream(
    { gateway, url, isWrite: document.startsWith('mutation') },
    'POST',
    { sent },
    context,
  );
  Object.assign(context.log, { status: answer.status });
  return lastLook(toReply(answer, graphql, gateway, context), answer, gateway, context);
}

/** What the host says against a question of ours about a call is its answer to the call, too. */
class UpstreamError extends Error {
  readonly reply: HttpReply;
  constructor(reply: HttpReply) {
    super();
    this.reply = reply;
  }
}

async function handle(path: string, gateway: Gateway<GatewayHost>, editor: Editor, given: Context): Promise<HttpReply> {
  const { request, parameters: query, address, now, log } = given;
  const context = { ...given };
  const found = findRule(
    gateway.host.rules,
    { method: request.method, path, query, isDecoded: request.platform.decodesPath === true },
    gateway,
  );
  if (!found) throw new Failure(gatewayErrors.NOT_ON_LIST);
  if (found === 'mangled') throw new Failure(gatewayErrors.MANGLED_PATH);
  const { rule } = found;
  const isWrite = !isRead(rule);
  log.route = rule.name;

  /** @returns undefined for what the host does not know; of HEAD, true for what it does */
  async function find(below: string, method: 'GET' | 'HEAD' = 'GET'): Promise<unknown> {
    const to = { gateway, url: upstreamUrl(gateway, below), isWrite: false };
    const answer = await fetchUpstream(to, method, {}, context);
    const value = answer.status !== 200 ? undefined : method === 'HEAD' ? true : jsonOf(answer);
    if (value !== undefined || answer.status === 404) return value;
    const failure = toError(answer, gateway, context);
    throw failure instanceof Failure ? failure : new UpstreamError(lastLook(failure, answer, gateway, context));
  }
  const call: Call = {
    gateway,
    editor,
    email: commitAddress(editor, address.origin),
    parameters: found.parameters,
    now,
    find,
    exists: async (below) => (await find(below, 'HEAD')) !== undefined,
    async read(below) {
      const value = await find(below);
      if (value === undefined) throw refuse('what it is about is not there');
      return value;
    },
    isEditorAddress: (email) => isEditorAddress(email, gateway.lists, address.origin),
  };
  const { search, sent } = await applyRule(rule, { query, receive: (limit) => receiveBody(context, limit) }, call);

  const { accept, 'if-none-match': match } = request.headers;
  const url = upstreamUrl(gateway, found.path + search);
  const form = formOf(rule, accept);
  const place = rule.immutable ? placeOf(gateway, url, form, match) : undefined;
  const forward = async (): Promise<HttpReply> => {
    const answer = await fetchUpstream(
      { gateway, url, isWrite, about: rule.unauthorized, place, streams: rule.method === 'GET' && !rule.answer },
      rule.method,
      {
        headers: {
          accept: form,
          ...(!isWrite && safe(match) !== undefined && { 'if-none-match': safe(match) }),
        },
        sent,
      },
      context,
    );
    Object.assign(log, { status: answer.status });
    // Without the branch that everything begins at, the CMS would only wait.
    if (answer.status === 404 && found.path === gateway.host.repository.branch(gateway.branch))
      await explain(gateway, context);
    try {
      const reply = lastLook(toReply(answer, rule, gateway, context), answer, gateway, context);
      if (!answer.large) place?.put(answer); // now that it may leave
      return reply;
    } catch (error) {
      void answer.large?.body.cancel();
      throw error;
    }
  };
  return await (place ? place.inTurn(forward) : forward());
}

/** What leaves is what is looked at: an address may have been put together, and a text been read, on its way through here. */
function lastLook(
  reply: HttpReply,
  { token }: UpstreamResponse,
  gateway: Gateway<GatewayHost>,
  { request }: Context,
): HttpReply {
  const { largestAnswer = maxBytes, sizeOf = Buffer.byteLength } = request.platform;
  const { headers, body } = reply;
  // Bytes are the host's own, which were looked at when they came.
  const holds = (text: string) => text.includes(token) || text.includes(JSON.stringify(token).slice(1, -1));
  if (textHolds(Object.values(headers).join('\n'), token) || (typeof body === 'string' && holds(body)))
    throw new Failure(gatewayErrors.UPSTREAM_FAILED, { host: gateway.host.provider.name });
  if (!isStream(body) && sizeOf(body) > largestAnswer) throw answerTooLarge(gateway, largestAnswer);
  return reply;
}

/** Said by us: what a platform says that cannot let an answer out is an error without a reason. */
const answerTooLarge = ({ host }: Gateway<GatewayHost>, limit: number) =>
  new Failure(gatewayErrors.ANSWER_TOO_LARGE, { host: host.provider.name, limit: megabytes(limit) });

/**
 * One of those that the rule knows, as the CMSs ask: a client that could name any would choose as what a file comes, and so how it is
 * read here. Files have all types, and browsers ask for them without naming one.
 */
const formOf = ({ raw, file }: Rule, accept: string | undefined): string =>
  raw !== undefined && accept === raw ? raw : file ? '*/*' : 'application/json';

const safe = (header: string | undefined): string | undefined =>
  header !== undefined && /^[\x20-\x7e]{0,2048}$/.test(header) ? header : undefined;

interface Target {
  gateway: Gateway<GatewayHost>;
  /** Of the host's API: by `upstreamUrl`, or that of its GraphQL. */
  url: string | URL;
  isWrite: boolean;
  /** See `Rule.unauthorized`. */
  about?: ErrorRow | undefined;
  /** Where the answer may be already. */
  place?: Place | undefined;
  /** Whether nobody reads the answer here, so that a large one may be passed on while it is coming. */
  streams?: boolean;
}

/** Asks with our credential; where the host does not take it any more and another can be had, a read is asked again. */
async function fetchUpstream(
  target: Target,
  method: string,
  question: { headers?: Readonly<Record<string, string | undefined>>; sent?: SentBody | undefined },
  context: Context,
): Promise<UpstreamResponse> {
  const { gateway, isWrite } = target;
  const open = () =>
    openCredential(gateway, context.deadline).catch((error: unknown) => {
      if (error instanceof Failure && error.code === gatewayErrors.UPSTREAM_CREDENTIAL.code) tellOwner();
      throw error;
    });
  /** A secret that was renewed at the host, perhaps: it is read anew. */
  function tellOwner() {
    context.settings.invalidate();
    context.log.warning = `${gateway.host.provider.name} refuses the credential of the gateway. The owner has to renew it.`;
  }

  const credential = await open();
  let answer = await fetchWith(credential, target, method, question, context);
  if (isAway(answer, gateway)) await explain(gateway, context);
  if (answer.status !== 401 || target.about) return answer;
  const another = credential.invalidate();
  if (another && !isWrite) answer = await fetchWith(await open(), target, method, question, context);
  if (answer.status === 401 && !(another && isWrite)) tellOwner();
  return answer;
}

/** The host is asked only now: it is nothing that happens in between. */
const loadHealth = lazy(() => import('./health.ts'));

/** Whether an answer may mean that the repository is elsewhere now. */
const isAway = ({ status }: ClientResponse, { host }: Gateway<GatewayHost>): boolean =>
  (status > 300 && status < 400 && status !== 304) || status === host.repository.movedStatus;

/**
 * Says what is wrong with the repository or the branch, if that is what is wrong.
 *
 * @throws Failure REPOSITORY_MOVED, BRANCH_MISSING, …
 */
async function explain(gateway: Gateway<GatewayHost>, { deadline }: Context): Promise<void> {
  const { probeHost } = await loadHealth();
  const { problems } = await probeHost(gateway, Math.min(deadline, Date.now() + 8_000));
  const isCause = ({ code }: Failure) => code === 'REPOSITORY_MOVED' || code === 'BRANCH_MISSING';
  const cause = problems.find(isCause);
  if (cause) throw cause;
}

async function fetchWith(
  { token }: Credential,
  { gateway, url, isWrite, place, streams = false }: Target,
  method: string,
  { headers, sent }: { headers?: Readonly<Record<string, string | undefined>>; sent?: SentBody | undefined },
  { deadline, request, log, now }: Context,
): Promise<UpstreamResponse> {
  const { host } = gateway;
  const name = host.provider.name;
  const asked = fetchExpiry(gateway, token); // on its way while the call is; it does not reject
  const limit = request.platform.largestAnswer ?? maxBytes;
  const size = sent ? Buffer.byteLength(sent.body) : 0;
  const kept = place?.take();
  const began = Date.now();
  const toFailure = (error: unknown): Failure => {
    if (error instanceof Held) return new Failure(gatewayErrors.UPSTREAM_FAILED, { host: name });
    if (error instanceof TooSlow) return tooSlow(name, began, size, error.received);
    return error instanceof TooLarge ? answerTooLarge(gateway, limit) : mapError(error, name);
  };
  const answer: UpstreamAnswer =
    kept ??
    (await sendRequest(url, {
      method,
      // Not spread: on Node 20, an object that begins as a copy and gets more has a hidden class of its own each time, and is looked up
      // anew wherever it is read.
      headers: Object.assign(
        {},
        requestHeaders,
        headers,
        sent && { 'content-type': sent.type, 'content-length': String(size) },
        // Last, so that nothing can take its place.
        host.authorization(token),
      ) as Record<string, string>,
      body: sent?.body,
      deadline,
      deadlineAt: (received) => Math.min(deadline, began + hostTimeoutMs(isWrite, size + received)),
      limit,
      ...(streams && request.platform.streams && { restFrom: largestKept }),
    }).catch((error: unknown) => {
      throw toFailure(error);
    }));
  if (!kept && (method === 'GET' || answer.status === 401)) noteAnswer(gateway, answer);
  // Whatever the host answers, this does not leave us: a debugging proxy that sends back what it got would hand it out. Its headers
  // are looked at where they leave (`lastLook`).
  const isText = isJson(answer.headers['content-type']) || answer.status >= 400;
  if (bytesHold(answer.bytes, token, isText)) {
    answer.rest?.destroy();
    throw toFailure(new Held());
  }
  const end = host.expiry && 'header' in host.expiry ? answer.headers[host.expiry.header] : asked && (await asked);
  const warning = end === undefined ? undefined : expiryWarning(String(end), name, now);
  if (warning !== undefined) log.warning ??= warning;
  const large = answer.rest && passOn(answer.bytes, answer.rest, { secret: token, isText, limit, toFailure });
  return { token, large, ...answer };
}

/** An answer, and the credential that it was given for, which must not be in what we make of it either. */
interface UpstreamResponse extends ClientResponse {
  token: string;
  /** All of it, if more of it is still to come. */
  large: PassedOn | undefined;
}

/** A file that takes longer than there is time for always will: so the words are not "try again". */
function tooSlow(host: string, began: number, sent: number, received: number): Failure {
  const seconds = String(Math.round((Date.now() - began) / 1000));
  if (Math.max(sent, received) < 1024 * 1024) return new Failure(gatewayErrors.UPSTREAM_TIMEOUT, { host });
  const detail = received > 0 ? `sent only ${tenths(received)} MB` : `did not take ${tenths(sent)} MB`;
  return new Failure(gatewayErrors.UPSTREAM_TOO_SLOW, { host, detail, seconds });
}

function toReply(answer: UpstreamResponse, rule: Rule, gateway: Gateway<GatewayHost>, context: Context): HttpReply {
  const { status } = answer;
  const name = gateway.host.provider.name;
  const failed = () => new Failure(gatewayErrors.UPSTREAM_FAILED, { host: name });
  if (status === 401 && rule.unauthorized) throw new Failure(rule.unauthorized, { host: name });
  if (status >= 400 && isAnswer(status)) {
    const failure = toError(answer, gateway, context);
    if (failure instanceof Failure) throw failure;
    return failure;
  }
  // A redirect would lead the browser to the host without a credential, and us with one to who knows where.
  if (!isAnswer(status) || (status >= 300 && status !== 304)) throw failed();
  if (isEncoded(answer.headers['content-encoding'])) throw failed();

  const link = (url: string) => rewriteLink(url, gateway, context.address.origin);
  const headers: Record<string, string> = headersOf(answer, link, ownHeaders(rule));
  // With a type the client would try to read what is not there.
  if (status === 205 || answer.bytes.length === 0 || rule.method === 'HEAD')
    return { status, headers, cookies: [], body: '' };

  const whole = answer.large ?? { body: answer.bytes };
  const type = answer.headers['content-type'];
  const isRaw = rule.raw !== undefined && context.request.headers['accept'] === rule.raw;
  // A browser that keeps one of the two must not give it for the other.
  if (rule.raw !== undefined) context.headers['vary'] = 'Origin, Authorization, Accept';
  if (rule.file || isRaw) {
    headers['content-type'] = type ?? 'application/octet-stream';
    return { status, headers, cookies: [], ...whole };
  }
  if (!isJson(type) || !looksLikeJson(answer.bytes)) throw failed();
  const { base64: inBase64 } = context.request.platform;
  const value = rule.answer ? jsonOf(answer) : undefined;
  if (rule.answer && value === undefined) throw failed();
  headers['content-type'] = 'application/json; charset=utf-8';
  return {
    status,
    headers,
    cookies: [],
    ...(rule.answer
      ? { body: JSON.stringify(rule.answer(value, link)) }
      : inBase64
        ? { body: answer.bytes.toString() }
        : whole),
  };
}

/**
 * By the first character behind the blanks, since pages are also sent as JSON, and to read all of it would cost as much again. A mark
 * of the order of bytes may stand in front (RFC 8259, 2 and 8.1).
 */
const looksLikeJson = (bytes: Buffer): boolean =>
  /^(\xef\xbb\xbf)?[ \t\n\r]*[[{]/.test(bytes.toString('latin1', 0, 64));

/** All that a platform can pass on: some have no words for a status beyond these, and end with an error of their own. */
const isAnswer = (status: number): boolean => status >= 200 && status <= 599;

/** Of our own: what a browser may keep, for how long, and that it runs nothing of it. */
const ownHeaders = (rule: Rule): Readonly<Record<string, string>> =>
  isRead(rule) ? (rule.immutable ? immutableHeaders : readHeaders) : writeHeaders;

const immutableHeaders = { 'cache-control': 'private, max-age=31536000, immutable', ...hostHeaders };
const readHeaders = { 'cache-control': 'private, no-cache', ...hostHeaders };
const writeHeaders = { ...commonHeaders, ...hostHeaders };

/** @param first of our own, which stand before the host's */
function headersOf(
  { headers }: ClientResponse,
  link: (url: string) => string | undefined,
  first: Readonly<Record<string, string>>,
): Record<string, string> {
  const own: Record<string, string> = Object.assign({}, first); // not spread: see `fetchWith`
  for (const name of passedHeaders) {
    const value = headers[name];
    if (typeof value === 'string' && /^[\x20-\x7e]*$/.test(value)) own[name] = value;
  }
  const { link: links } = headers;
  if (typeof links !== 'string') return own;
  // RFC 8288, 3; the hosts write nothing more complicated.
  const written = [...links.matchAll(/<([^<>]*)>\s*;\s*rel="?([\w-]+)"?/g)].flatMap(([, url = '', rel = '']) => {
    const target = link(url);
    return target === undefined ? [] : [`<${target}>; rel="${rel}"`];
  });
  if (written.length > 0) own['link'] = written.join(', ');
  return own;
}

/** A link of the host's as the client wants it; undefined for one that leads anywhere but to this kind of repository. */
function rewriteLink(url: string, { host, roots }: Gateway<GatewayHost>, origin: string): string | undefined {
  const root = roots.api_root;
  if (!URL.canParse(url)) return undefined;
  const { href } = new URL(url);
  if (!href.startsWith(`${root}/`) || new URL(url).hash !== '') return undefined;
  const path = href.slice(root.length);
  const [prefix] = host.links.prefix.exec(path) ?? [];
  return prefix === undefined ? undefined : host.links.rewrite(path.slice(prefix.length), origin);
}

/** What a host has to say against a call, as the client needs it: a Failure of ours, or its own words with a `message`. */
function toError(
  answer: ClientResponse,
  { host }: Gateway<GatewayHost>,
  { now, request }: Context,
): Failure | HttpReply {
  const { status } = answer;
  const name = host.provider.name;
  if (status === 401) return new Failure(gatewayErrors.UPSTREAM_CREDENTIAL);
  const limit = rateLimited(answer, name, now);
  if (limit) return limit;
  const value = jsonOf(answer);
  const message = messageOf(value);
  // Its words beside ours: it may be the kind of token, an IP list, single sign-on or a suspended app.
  if (status === 403)
    return new Failure(gatewayErrors.UPSTREAM_FORBIDDEN, { host: name, words: quoteOf(answer, name, []) });
  // Of HEAD there are no words to read.
  const isHead = request.method === 'HEAD';
  if (status < 400 || !isAnswer(status) || (message === undefined && !isHead))
    return new Failure(gatewayErrors.UPSTREAM_FAILED, { host: name });
  return {
    status,
    headers: {
      ...headersOf(answer, () => undefined, writeHeaders),
      'content-type': 'application/json; charset=utf-8',
    },
    cookies: [],
    body: JSON.stringify({ ...(value as Json), message }),
  };
}
