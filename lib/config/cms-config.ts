import { factsOf } from '../providers/facts.ts';
import { apiRoots, type Provider } from '../providers/provider.ts';
import type { Address } from './settings.ts';

/**
 * What the owner writes into the CMS's `config.yml`; comments say what only some need.
 *
 * @param base where the host is, without a slash at the end
 * @param options.repository as the CMS names it; without one, something to put it in the place of
 */
export function configuration(
  provider: Provider,
  base: string,
  address: Address,
  { cms, repository = factsOf(provider).repository.form }: { cms: 'decap' | 'sveltia'; repository?: string },
): string {
  const endpoint = `${address.prefix}/auth`.slice(1);
  const own = base === provider.url ? [] : Object.entries(apiRoots(factsOf(provider), base) ?? {});
  const authorize = cms === 'sveltia' && provider.refresh?.by.includes(cms);
  return [
    'backend:',
    `  name: ${provider.id}`,
    `  repo: ${repository}`,
    '  branch: main',
    `  base_url: ${address.origin}`,
    ...(endpoint === 'auth' ? [] : [`  auth_endpoint: ${endpoint}`]),
    ...(authorize ? [`  # only with CMS_AUTH_REFRESH=${provider.id}, in place of any other:`] : []),
    ...(authorize ? [`  # auth_endpoint: ${endpoint}/${provider.id}/authorize`] : []),
    ...own.filter(([key]) => cms === 'sveltia' || key === 'api_root').map(([key, root]) => `  ${key}: ${root}`),
    // Decap and Netlify CMS ask for a new token at the root of this one.
    ...(provider.refresh?.by.includes('decap')
      ? [`# only with CMS_AUTH_REFRESH=${provider.id}:`, `# base_url: ${address.origin}${address.prefix}`]
      : []),
  ].join('\n');
}
