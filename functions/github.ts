import { createHandler } from '../lib/hop/handler.ts';
import { github } from '../lib/providers/github.ts';

/** GitHub alone, for owners who give each provider its own function, secret and role. */
export const handler = createHandler([github]);

export const paths = [
  '/auth/github',
  '/auth/github/authorize',
  '/auth/github/begin',
  '/auth/github/callback',
  '/auth/github/access_token',
];
