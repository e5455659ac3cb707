import type { HostApi } from './api.ts';

/** The hosts' own APIs that CMSs can be pointed at, by the hosts' ids. Loaded when the first call comes: not every CMS speaks one. */
export const apis: Readonly<Record<string, () => Promise<{ api: HostApi }>>> = {
  github: () => import('./github-api.ts'),
};
