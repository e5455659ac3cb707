import { GetParametersCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { Parameter, ParameterStore } from '../web/platform.ts';

/** As many names as one GetParameters call takes. */
const mostNames = 10;

/** How long a failed read is not repeated, so that strangers cannot hammer a broken store through us. Milliseconds. */
const pause = 2_000;

/**
 * What one read may take of a request's time, so that the exchange with the Git host still fits behind it; less where there is
 * an old value to go on with. Milliseconds.
 */
const patience = 4_000;
const patienceWithOld = 1_500;

interface Kept extends Parameter {
  /** When it was read or failed to be, in milliseconds since the epoch. */
  at: number;
}

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
  const client = new SSMClient({ maxAttempts: 2 });
  const kept = new Map<string, Kept>();
  const underWay = new Map<string, Promise<Kept>>();

  const isDue = (name: string, timeToLive: number): boolean => {
    const { at, value, problem } = kept.get(name) ?? { at: 0 };
    // A blank value is as useless as none, and its owner is about to mend it.
    const serves = !problem && value?.trim();
    return !underWay.has(name) && Date.now() - at >= (serves ? timeToLive : pause);
  };

  function renew(names: string[], deadline: number): void {
    const time = names.every((name) => kept.get(name)?.value !== undefined) ? patienceWithOld : patience;
    const answer = getParameters(client, names, Math.min(deadline, Date.now() + time));
    const settle = async (name: string): Promise<Kept> => {
      try {
        const parameter = (await answer)(name);
        // What could not be read may still be there; what is gone is gone, as its owner wanted.
        const old = parameter.problem?.code === 'PARAMETER_UNREADABLE' ? kept.get(name)?.value : undefined;
        const renewed = { value: old, ...parameter, at: Date.now() };
        kept.set(name, renewed);
        return renewed;
      } finally {
        // Whatever happened: what stayed under way would never be read again.
        underWay.delete(name);
      }
    };
    for (const name of names) underWay.set(name, settle(name));
  }

  return {
    async read(names, { timeToLive, deadline }) {
      const due = names.filter((name) => isDue(name, timeToLive));
      for (let i = 0; i < due.length; i += mostNames) renew(due.slice(i, i + mostNames), deadline);
      const parameters = await Promise.all(names.map((name) => underWay.get(name) ?? kept.get(name) ?? {}));
      return new Map(names.map((name, i) => [name, parameters[i] ?? {}]));
    },
    distrust(name, value) {
      if (kept.get(name)?.value === value) kept.delete(name);
    },
  };
}

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
    const parameter = unreadable(inOurWords(error, names, region));
    return () => parameter;
  }
}

const unreadable = (detail: string): Parameter => ({ problem: { code: 'PARAMETER_UNREADABLE', fill: { detail } } });

/** The SDK's errors hold request headers and, from AWS, account numbers: nothing of them is shown but what is picked here. */
function inOurWords(error: unknown, names: string[], region: string): string {
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
      return 'AWS did not answer in time';
  }
  if (message === 'Region is missing') return 'no region is set; set AWS_REGION';
  if (message.startsWith('Region ')) return 'AWS_REGION is not the name of a region';
  return `AWS answered with an error (${$metadata?.httpStatusCode ?? 'no answer'})`;
}
