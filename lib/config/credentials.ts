import { fromEnv } from '@aws-sdk/credential-provider-env';
import { fromHttp } from '@aws-sdk/credential-provider-http';
import type { SSMClientConfig } from '@aws-sdk/client-ssm';

/**
 * Takes the place of `@aws-sdk/credential-provider-node` in what is deployed on Lambda. The SDK bundles its whole search:
 * profiles, single sign-on, other programs, instance metadata. A function has only what AWS gives it, which is variables,
 * or, where it outlives them, an address, which is asked at each read.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
 */
export const defaultProvider: NonNullable<SSMClientConfig['credentialDefaultProvider']> = () => async () =>
  // Not before it is asked for: without an address, `fromHttp` throws at once.
  (process.env['AWS_ACCESS_KEY_ID'] ? fromEnv() : fromHttp())();
