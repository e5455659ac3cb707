/** What the gateway uses of openid-client, in a file of its own, which only an issuer's tokens need. */
export { allowInsecureRequests, ClientError, customFetch, discovery } from 'openid-client';
export { Response } from '../oauth/light.ts';
