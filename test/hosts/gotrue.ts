/**
 * GoTrue, which Netlify Identity is, as far as a CMS's password form and the widget ask for it.
 *
 * @see https://github.com/netlify/gotrue
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { jwtVerify, SignJWT } from 'jose';
import { HttpError, listen, readParameters, requestUrl, sendJson, type ListenOptions } from './http.ts';

export interface Member {
  id: string;
  email: string;
  password: string;
  name: string;
  roles?: string[];
  confirmed: boolean;
}

export async function startGoTrue({
  secret,
  members,
  ...options
}: ListenOptions & { secret: string; members: Member[] }) {
  const gotrue = {
    url: '',
    members,
    settings: { external: { email: true }, disable_signup: true, autoconfirm: false },
    /** `GET /user` and so on, in the order in which they came. */
    requests: [] as string[],
    /** By refresh token. */
    refresh: new Map<string, Member>(),
    close: async () => {},
  };
  const key = new TextEncoder().encode(secret);
  const userOf = ({ id, email, name, roles, confirmed }: Member) => ({
    id,
    aud: '',
    role: '',
    email,
    confirmed_at: confirmed ? '2026-01-01T00:00:00Z' : null,
    app_metadata: { provider: 'email', ...(roles && { roles }) },
    user_metadata: { full_name: name },
  });
  const session = async (member: Member) => {
    const refresh = randomBytes(12).toString('base64url');
    gotrue.refresh.set(refresh, member);
    const { app_metadata, user_metadata } = userOf(member);
    const token = await new SignJWT({ email: member.email, app_metadata, user_metadata })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .setSubject(member.id)
      .setExpirationTime('1h')
      .sign(key);
    return { access_token: token, token_type: 'bearer', expires_in: 3600, refresh_token: refresh };
  };

  async function answer(request: IncomingMessage, response: ServerResponse) {
    const { pathname } = requestUrl(request, gotrue.url);
    response.setHeader('Access-Control-Allow-Origin', request.headers.origin ?? '*');
    response.setHeader(
      'Access-Control-Allow-Headers',
      'authorization, content-type, x-jwt-aud, x-use-cookie, x-nf-client',
    );
    response.setHeader('Access-Control-Allow-Methods', 'GET, POST, PUT');
    if (request.method === 'OPTIONS') return void response.writeHead(204).end();
    gotrue.requests.push(`${request.method} ${pathname}`);
    switch (`${request.method} ${pathname}`) {
      case 'GET /settings':
        return sendJson(response, 200, gotrue.settings);
      case 'GET /user': {
        const token = /^bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
        const { sub } = await jwtVerify(token, key).then(
          ({ payload }) => payload,
          () => ({ sub: undefined }),
        );
        const member = gotrue.members.find(({ id }) => id === sub);
        if (!member) return sendJson(response, 401, { code: 401, msg: 'Invalid token' });
        return sendJson(response, 200, userOf(member));
      }
      case 'POST /token': {
        const form = await readParameters(request);
        const member =
          form.get('grant_type') === 'refresh_token'
            ? gotrue.refresh.get(form.get('refresh_token') ?? '')
            : gotrue.members.find(
                ({ email, password }) => email === form.get('username') && password === form.get('password'),
              );
        gotrue.refresh.delete(form.get('refresh_token') ?? '');
        if (!member)
          return sendJson(response, 400, {
            error: 'invalid_grant',
            error_description: 'No user found with that email, or password invalid.',
          });
        return sendJson(response, 200, await session(member));
      }
      case 'POST /logout':
        return void response.writeHead(204).end();
    }
    throw new HttpError(404, 'Not found');
  }

  const listening = await listen(answer, options);
  return Object.assign(gotrue, { url: listening.url, close: listening.close });
}
