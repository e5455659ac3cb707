import { optional, type Environment } from '../config/environment.ts';
import { appSettings, gatewaySettings, hasGateway, type RepositoryHost } from './settings.ts';

/**
 * What a gateway with these settings reads, for a platform on which each function has to name its secrets before it gets them.
 *
 * @param env before any value is read from a store
 * @returns undefined if there is to be no gateway
 */
export function gatewayNeeds(
  env: Environment,
  hosts: readonly RepositoryHost[],
): { secret: string[]; open: string[] } | undefined {
  if (!hasGateway(env)) return undefined;
  const isSet = (name: string) => optional(env, name) !== undefined;
  const apps = hosts.filter(({ apps: has }) => has).map(({ provider }) => appSettings(provider));
  const keys = apps.filter(({ id }) => isSet(id)).map(({ privateKey }) => privateKey);
  const secret = keys.length > 0 ? keys : ['CMS_GATEWAY_TOKEN'];
  if (isSet('CMS_GATEWAY_CLIENT_ID')) secret.push('CMS_GATEWAY_CLIENT_SECRET');
  else if (!isSet('CMS_GATEWAY_ISSUER') && !isSet('CMS_GATEWAY_IDENTITY')) secret.push('CMS_GATEWAY_JWT_SECRET');
  const secrets = [
    'CMS_GATEWAY_TOKEN',
    'CMS_GATEWAY_CLIENT_SECRET',
    'CMS_GATEWAY_JWT_SECRET',
    ...apps.map(({ privateKey }) => privateKey),
  ];
  return { secret, open: gatewaySettings(hosts).filter((name) => !secrets.includes(name)) };
}
