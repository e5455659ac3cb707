import type { ClientAuth } from 'openid-client';

/** The ways of client authentication, as each file that brings the OAuth library has them. */
interface Ways {
  ClientSecretBasic: typeof import('openid-client').ClientSecretBasic;
  ClientSecretPost: typeof import('openid-client').ClientSecretPost;
}

/** How we prove to a server who we are (RFC 6749, 2.3.1). */
export function clientAuthentication(
  oauth: Ways,
  way: 'body' | 'rawBasic',
  { clientId, secret }: { clientId: string; secret: string },
): ClientAuth {
  if (way === 'body') return oauth.ClientSecretPost(secret);
  // The RFC wants both parts form-encoded first, and the library does so with `-`, `_` and `.` too. A host that does not
  // decode would refuse that. Without these characters, one that does decode reads the raw form alike.
  if (/[%+:]|[^\x21-\x7e]/.test(clientId) || /[%+]|[^\x21-\x7e]/.test(secret)) return oauth.ClientSecretBasic(secret);
  return (_server, _client, _body, headers) => headers.set('authorization', `Basic ${btoa(`${clientId}:${secret}`)}`);
}
