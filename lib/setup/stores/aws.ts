import type { SSMClient } from '@aws-sdk/client-ssm';
import { isSecret, Taken, type Entry, type Store } from '../values.ts';

/** Milliseconds for one call. */
const timeoutMs = 10_000;

export interface AwsChoice {
  stage: string;
  /** Otherwise as the AWS SDK finds it. */
  region?: string | undefined;
}

/**
 * The region that the AWS SDK finds: in the environment, or in the profile. What deploys has to be told, since it looks elsewhere.
 *
 * @returns nothing if there is none
 */
export async function regionInUse(): Promise<string | undefined> {
  const { SSMClient } = await import('@aws-sdk/client-ssm');
  try {
    return await new SSMClient({}).config.region();
  } catch {
    return undefined;
  }
}

export const withoutRegion = 'Which region? Add --region, such as --region eu-west-1.';

/**
 * Secrets go into AWS's Parameter Store, under the names that `serverless.yml` reads; the rest is printed, for the file `.env` beside it.
 *
 * @param file where the rest is written to, in place of being printed
 *
 * @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html
 */
export function parameterStore({ stage, region }: AwsChoice, file?: Store): Store {
  const nameOf = ({ parameter = '' }: Entry): string => `/cms-auth/${stage}/${parameter}`;
  let opened: Promise<{ client: SSMClient; sdk: typeof import('@aws-sdk/client-ssm') }> | undefined;
  const open = async () => {
    const sdk = await import('@aws-sdk/client-ssm');
    return { sdk, client: new sdk.SSMClient({ maxAttempts: 2, ...(region !== undefined && { region }) }) };
  };
  const deadline = () => ({ abortSignal: AbortSignal.timeout(timeoutMs) });
  return {
    place: "AWS's Parameter Store",
    gatewayApart: true,
    async taken(entries) {
      const { client, sdk } = await (opened ??= open());
      const names = entries.filter(isSecret).map(nameOf);
      try {
        const { Parameters } = await client.send(new sdk.GetParametersCommand({ Names: names }), deadline());
        const taken = (Parameters ?? []).flatMap(({ Name }) => Name ?? []);
        return file ? [...taken, ...(await file.taken(entries.filter((entry) => !isSecret(entry))))] : taken;
      } catch (error) {
        throw new Error(`AWS's Parameter Store could not be read. ${toWords(error)}`, { cause: error });
      }
    },
    async write(values, replace) {
      const { client, sdk } = await (opened ??= open());
      const secrets = values.filter(isSecret);
      for (const value of secrets) {
        const input = { Name: nameOf(value), Value: value.value, Type: 'SecureString', Overwrite: replace } as const;
        try {
          await client.send(new sdk.PutParameterCommand(input), deadline());
        } catch (error) {
          const isTaken = error instanceof Error && error.name === 'ParameterAlreadyExists';
          const words = `AWS did not take ${input.Name}. ${toWords(error)}`;
          throw isTaken ? new Taken(words, { cause: error }) : new Error(words, { cause: error });
        }
      }
      const inUse = await client.config.region();
      const kept = `Kept as SecureString in the Parameter Store of ${inUse}: ${secrets.map(nameOf).join(', ')}.`;
      const rest = values
        .filter((value) => !isSecret(value) || value.byPointer)
        .map((value) => ({ name: value.name, value: isSecret(value) ? `ssm:${nameOf(value)}` : value.value }));
      if (file) return [kept, ...(await file.write(rest, replace))];
      // With the region: the tool that deploys does not read it from where the SDK may have found it.
      const deploy = (options: string) => `  npx osls deploy ${options}--stage ${stage} --region ${inUse}`;
      const hasGateway = values.some(({ byPointer }) => byPointer);
      return [
        kept,
        'Put these lines into a file .env beside serverless.yml, and keep it: a deploy blanks every setting that is not there.',
        '',
        ...rest.map(({ name, value }) => `${name}=${quoted(value)}`),
        '',
        'Then deploy the login, even if it is there already: the new secret works only with this client id.',
        '',
        deploy(''),
        ...(hasGateway
          ? [
              '',
              'Also deploy the gateway, once its other settings are set (docs/gateway.md). It does not read CMS_AUTH_URL. If it has a domain of its own, set CMS_GATEWAY_URL to that.',
              '',
              deploy('--config serverless-gateway.yml '),
            ]
          : []),
      ];
    },
    otherwise: `In the AWS console, Systems Manager, Parameter Store, create the secrets as SecureString, each under the name that docs/aws.md and docs/gateway-platforms.md give for it, below ${nameOf({ name: '', parameter: '' })}`,
  };
}

/** AWS's own words. They may hold names and account numbers, but no value: it repeats none. */
function toWords(error: unknown): string {
  const { name, message } = error instanceof Error ? error : { name: '', message: String(error) };
  if (name === 'CredentialsProviderError')
    return 'There are no AWS credentials here: log in with "aws configure" or "aws sso login".';
  if (message.startsWith('Region ')) return withoutRegion;
  if (name === 'AbortError' || name === 'TimeoutError') return `It did not answer within ${timeoutMs / 1000} seconds.`;
  return `It said: ${[name, message].filter(Boolean).join(': ')}`;
}

const quoted = (value: string): string =>
  /^[\w.:/@%+,~-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
