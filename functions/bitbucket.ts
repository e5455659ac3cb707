import { createHandler } from '../lib/hop/handler.ts';
import { bitbucket } from '../lib/providers/bitbucket.ts';

/** Bitbucket alone, for owners who give each provider its own function, secret and role. */
export const handler = createHandler([bitbucket]);

export const paths = [
  '/auth/bitbucket',
  '/auth/bitbucket/authorize',
  '/auth/bitbucket/begin',
  '/auth/bitbucket/callback',
  '/auth/refresh',
];
