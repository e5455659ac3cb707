import type { ClientAuth } from 'openid-client';

/** The methods of client authentication, as each file that brings the OAuth library has them. */
interface AuthMethods {
  ClientSecretBasic: typeof import('openid-client').ClientSecretBasic;
  ClientSecretPost: typeof import('openid-client').ClientSecretPost;
}

/** As `token_endpoint_auth_methods_supported` calls them (OpenID Connect Core, 9). */
export type ClientAuthMethod = 'client_secret_post' | 'client_secret_basic';

/** How we prove to a server who we are (RFC 6749, 2.3.1). */
export function clientAuthentication(
  oauth: AuthMethods,
  authMethod: ClientAuthMethod,
  { clientId, secret }: { clientId: string; secret: string },
): ClientAuth {
  if (authMethod === 'client_secret_post') return oauth.ClientSecretPost(secret);
  // The RFC wants both parts form-encoded first, and the library does so with `-`, `_` and `.` too. A host that does not
  // decode would refuse that. Without these characters, one that does decode reads the raw form alike.
  if (/[%+:]|[^\x21-\x7e]/.test(clientId) || /[%+]|[^\x21-\x7e]/.test(secret)) return oauth.ClientSecretBasic(secret);
  return (_server, _client, _body, headers) => headers.set('authorization', `Basic ${btoa(`${clientId}:${secret}`)}`);
}
