import { createHandler } from '../lib/hop/handler.ts';
import { gitlab } from '../lib/providers/gitlab.ts';

/** GitLab alone, for owners who give each provider its own function, secret and role. */
export const handler = createHandler([gitlab]);

export const paths = [
  '/auth/gitlab',
  '/auth/gitlab/authorize',
  '/auth/gitlab/begin',
  '/auth/gitlab/callback',
  '/auth/gitlab/token',
];
