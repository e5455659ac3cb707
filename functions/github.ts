import { createHandler } from '../lib/login/handler.ts';
import { github } from '../lib/providers/github.ts';
import { pathsOf } from '../lib/providers/provider.ts';

/** GitHub alone, for owners who give each provider its own function, secret and role. */
export const handler = createHandler([github]);

export const paths = /* @__PURE__ */ pathsOf(github);
