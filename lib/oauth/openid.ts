/** What we use of openid-client, and nothing else of it: in a file of its own, which only a login that comes back loads. */
export {
  allowInsecureRequests,
  authorizationCodeGrant,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  refreshTokenGrant,
  ResponseBodyError,
} from 'openid-client';
export { Response } from './fetch-shim.ts';
