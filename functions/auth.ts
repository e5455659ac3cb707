import { createHandler } from '../lib/handler.ts';
import { github } from '../lib/providers/github.ts';

/** The whole hop: every provider, from the first redirect to the token. */
export const providers = [github];
export const handler = createHandler(providers);

/** What this function answers where each provider has a function of its own, as on Netlify. */
export const paths = ['/auth'];
