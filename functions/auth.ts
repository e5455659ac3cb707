import { createHandler } from '../lib/login/handler.ts';
import { bitbucket } from '../lib/providers/bitbucket.ts';
import { github } from '../lib/providers/github.ts';
import { gitlab } from '../lib/providers/gitlab.ts';

/** The whole login server: every provider, from the first redirect to the token. */
export const providers = [github, gitlab, bitbucket];
export const handler = createHandler(providers);

/**
 * What this function answers where each provider has a function of its own, as on Netlify. The second is where a CMS ends up
 * whose `base_url` has `/auth` behind it: it is told so.
 */
export const paths = ['/auth', '/auth/auth'];
