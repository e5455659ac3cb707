import { gatewaySettings, type RepositoryHost } from './settings.ts';
import { remembering } from '../config/environment.ts';
import { originsSetting } from '../config/settings.ts';
import { memoize } from '../http/cache.ts';
import { admitOrigin } from '../http/cors.ts';
import type { Context } from '../handler/router.ts';

const originsAt = memoize((origin: string) => remembering(originsSetting({ origin })));

/**
 * Lets pages of listed sites in, before any work is done for them. Everything is read in one call to the store.
 *
 * @throws Failure SITE_NOT_LISTED
 */
export const admitListed =
  (hosts: readonly RepositoryHost[]) =>
  ({ request, settings, address, headers }: Context): void | Promise<void> => {
    const read = settings.read([originsAt(address.origin)], [gatewaySettings(hosts, address)]);
    if (read instanceof Promise) return read.then(([origins]) => admitOrigin(request, origins, headers));
    admitOrigin(request, read[0], headers);
  };
