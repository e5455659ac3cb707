/**
 * What a sign-in uses of openid-client, and nothing else of it: in a file of its own, as openid.ts is, so that the logins at Git
 * hosts do not carry it.
 */
export {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  ClientError,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  discovery,
  ResponseBodyError,
} from 'openid-client';
export { Response } from './fetch-shim.ts';
