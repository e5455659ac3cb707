import { createHandler } from '../lib/login/handler.ts';
import { gitlab } from '../lib/providers/gitlab.ts';
import { pathsOf } from '../lib/providers/provider.ts';

/** GitLab alone, for owners who give each provider its own function, secret and role. */
export const handler = createHandler([gitlab]);

export const paths = /* @__PURE__ */ pathsOf(gitlab);
