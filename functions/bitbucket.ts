import { createHandler } from '../lib/login/handler.ts';
import { bitbucket } from '../lib/providers/bitbucket.ts';
import { pathsOf } from '../lib/providers/provider.ts';

/** Bitbucket alone, for owners who give each provider its own function, secret and role. */
export const handler = createHandler([bitbucket]);

export const paths = /* @__PURE__ */ pathsOf(bitbucket);
