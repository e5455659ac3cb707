import { GetParametersCommand, SSMClient, type SSMClientConfig } from '@aws-sdk/client-ssm';
import { pointersTo, type Parameter, type ParameterStore } from './pointers.ts';
import type { OpenPointers } from '../http/platform.ts';

/** As many names as one GetParameters call takes. */
const mostNames = 10;

/** How long a failed read is not repeated, so that strangers cannot hammer a broken store through us. Milliseconds. */
const pause = 2_000;

/**
 * What one read may take of a request's time, so that the exchange with the Git host still fits behind it; less where there is
 * an old value to go on with. Milliseconds.
 */
const timeoutMs = 4_000;
const timeoutWithOldMs = 1_500;

/** Ten values of 8 kB with all that stands around them have far less. Bytes. */
const largestAnswer = 256 * 1024;

/** All times are in milliseconds since the epoch. */
interface Kept extends Parameter {
  /** When it was read or failed to be. */
  at: number;
  /** The host refused this value. */
  refused?: boolean;
  /** When one was last read anew because the host had refused it. */
  reread?: number | undefined;
}

/** A read that many may wait for, each for as long as it has time. */
interface Read {
  result: Promise<Kept>;
  /** When it gives up. An instance that slept in the meantime must not wait for what died. */
  until: number;
}

/** What settings point to at AWS. */
export const pointersToAws = (): OpenPointers => pointersTo(openParameterStore());

/**
 * AWS Systems Manager Parameter Store. Values are kept in memory for as long as the caller says; what cannot be renewed
 * serves on, since a store that is down for a minute should not keep editors out.
 *
 * Region, credentials and endpoint are found as the AWS SDK finds them; on Lambda, credentials only where a function has them
 * (credentials.ts).
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html
 */
export function openParameterStore(): ParameterStore {
  // One repetition, jittered by the SDK, where AWS throttles or the connection breaks.
  const client = new SSMClient({ maxAttempts: 2, streamCollector: collect });
  const kept = new Map<string, Kept>();
  const underWay = new Map<string, Read>();

  const isUnderWay = (name: string): boolean => Date.now() < (underWay.get(name)?.until ?? 0);

  const isDue = (name: string, timeToLive: number): boolean => {
    if (isUnderWay(name)) return false;
    const { at, value, problem, refused, reread = 0 } = kept.get(name) ?? { at: 0 };
    // Renewed at the host, perhaps, so at once; but a secret that stays wrong must not have the store asked at every login.
    if (refused) return Date.now() - reread >= pause;
    // A blank value is as useless as none, and its owner is about to mend it.
    const serves = !problem && value?.trim();
    return Date.now() - at >= (serves ? timeToLive : pause);
  };

  /** What there is to go on with if it cannot be read anew. */
  const oldValue = (name: string): string | undefined => {
    const { value, refused } = kept.get(name) ?? {};
    return refused ? undefined : value;
  };

  function renew(names: string[]): void {
    // Not until the deadline of whoever comes first: others may wait for the same read, and have more time.
    const until = Date.now() + (names.every((name) => oldValue(name) !== undefined) ? timeoutWithOldMs : timeoutMs);
    const answer = getParameters(client, names, until);
    for (const name of names) {
      const read: Read = {
        until,
        result: answer.then((parameterOf) => {
          const parameter = parameterOf(name);
          const before = kept.get(name);
          // What could not be read may still be there; what is gone is gone, as its owner wanted.
          const old = parameter.problem?.code === 'PARAMETER_UNREADABLE' ? oldValue(name) : undefined;
          const reread = before?.refused ? Date.now() : before?.reread;
          const renewed: Kept = { value: old, ...parameter, at: Date.now(), reread };
          if (underWay.get(name) !== read) return renewed; // overtaken
          underWay.delete(name);
          kept.set(name, renewed);
          return renewed;
        }),
      };
      underWay.set(name, read);
    }
  }

  /** @returns what is under way, if it comes in time */
  async function wait(name: string, deadline: number): Promise<Parameter> {
    const read = underWay.get(name);
    if (!read) return kept.get(name) ?? {};
    let timer;
    const late = new Promise<Parameter>((resolve) => {
      const giveUp = () => resolve({ value: oldValue(name), ...unreadable(notInTime) });
      timer = setTimeout(giveUp, Math.min(deadline - Date.now(), 2 * timeoutMs));
    });
    try {
      return await Promise.race([read.result, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    async read(names, { timeToLive, deadline }) {
      const due = names.filter((name) => isDue(name, timeToLive));
      for (let i = 0; i < due.length; i += mostNames) renew(due.slice(i, i + mostNames));
      return new Map(
        await Promise.all(names.map(async (name) => [name, await wait(name, deadline)] as [string, Parameter])),
      );
    },
    invalidate(name, value) {
      const parameter = kept.get(name);
      if (parameter?.value === value) kept.set(name, { ...parameter, refused: true });
    },
  };
}

class TooLarge extends Error {
  override readonly name = 'TooLarge';
}

/** The SDK's own would read an answer without an end until the deadline, as fast as it comes. */
const collect: NonNullable<SSMClientConfig['streamCollector']> = async (stream: AsyncIterable<Uint8Array>) => {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stream) {
    if ((size += chunk.length) > largestAnswer) throw new TooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
};

/** @returns what was read of each name, or why it was not; does not reject */
async function getParameters(
  client: SSMClient,
  names: string[],
  deadline: number,
): Promise<(name: string) => Parameter> {
  let region = 'no region';
  try {
    const signal = AbortSignal.timeout(Math.max(1, deadline - Date.now()));
    const late = new Promise<never>((_, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
    });
    // The search for credentials takes no signal, hence the race.
    const answer = await Promise.race([
      (async () => {
        region = await client.config.region();
        return client.send(new GetParametersCommand({ Names: names, WithDecryption: true }), { abortSignal: signal });
      })(),
      late,
    ]);
    const values = new Map(answer.Parameters?.map(({ Name, Selector, Value }) => [`${Name}${Selector ?? ''}`, Value]));
    const missing = new Set(answer.InvalidParameters);
    return (name) => {
      const value = values.get(name);
      if (typeof value === 'string') return { value };
      if (missing.has(name)) return { problem: { code: 'PARAMETER_MISSING', fill: { region } } };
      return unreadable('AWS left it out of its answer');
    };
  } catch (error) {
    const parameter = unreadable(toFailure(error, names, region));
    return () => parameter;
  }
}

const notInTime = 'AWS did not answer in time';

const unreadable = (detail: string): Parameter => ({ problem: { code: 'PARAMETER_UNREADABLE', fill: { detail } } });

/** The SDK's errors hold request headers and, from AWS, account numbers: nothing of them is shown but what is picked here. */
function toFailure(error: unknown, names: string[], region: string): string {
  const {
    name,
    message: given,
    code,
    $metadata,
  } = error as Error & { code?: unknown; $metadata?: { httpStatusCode?: number } };
  const message = String(given); // the SDK passes on whatever stood there
  // AWS names the one that it refuses; if it does not, then each of them may be the one. Rights know no versions.
  const parameters = names.map((parameter) => parameter.replace(/:.*/, ''));
  const named = parameters.filter((parameter) => message.includes(parameter));
  const resources = (named.length > 0 ? named : parameters)
    .map((parameter) => `arn:aws:ssm:${region}:*:parameter${parameter}`)
    .join(' and ');
  const action = `ssm:GetParameters on ${resources}`;
  // Before the names: the SDK calls a broken connection a timeout, too. Its own timeouts have no such code.
  if (typeof code === 'string') return 'AWS could not be reached';
  switch (name) {
    case 'AccessDeniedException':
      return /kms|ciphertext/i.test(message) && !message.includes('ssm:GetParameters')
        ? `the role of this function lacks kms:Decrypt on the key that encrypts ${resources}`
        : `the role of this function lacks ${action}`;
    case 'CredentialsProviderError':
      return `there are no AWS credentials here; what is needed are some with ${action}`;
    case 'ExpiredTokenException':
    case 'IncompleteSignatureException':
    case 'InvalidClientTokenId':
    case 'InvalidSignatureException':
    case 'UnrecognizedClientException':
      return `AWS does not accept the credentials; what is needed are some with ${action}`;
    case 'InvalidKeyId':
      return 'the key that encrypts it cannot be used any more';
    case 'ThrottlingException':
    case 'TooManyRequestsException':
    case 'RequestLimitExceeded':
      return 'AWS refuses more reads for the moment';
    case 'AbortError':
    case 'TimeoutError':
      return notInTime;
    case 'TooLarge':
      return 'AWS answered with more than it should';
  }
  if (message === 'Region is missing') return 'no region is set; set AWS_REGION';
  if (message.startsWith('Region ')) return 'AWS_REGION is not the name of a region';
  return `AWS answered with an error (${$metadata?.httpStatusCode ?? 'no answer'})`;
}
