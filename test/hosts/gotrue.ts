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

/** The only ones that a page elsewhere may send (`api/api.go`). */
const allowedHeaders = ['accept', 'authorization', 'content-type', 'x-jwt-aud', 'x-use-cookie'];
const allowedMethods = ['GET', 'POST', 'PUT', 'DELETE'];

export async function startGoTrue({
  secret,
  members,
  path = '',
  ...options
}: ListenOptions & { secret: string; members: Member[]; path?: string }) {
  const gotrue = {
    url: '',
    members,
    settings: {
      external: {
        bitbucket: false,
        email: true,
        facebook: false,
        github: false,
        gitlab: false,
        google: false,
        saml: false,
      },
      external_labels: {},
      disable_signup: true,
      autoconfirm: false,
    },
    /** `GET /user` and so on, in the order in which they came. */
    requests: [] as string[],
    /** By refresh token. */
    refresh: new Map<string, Member>(),
    /** Answers below its path, on another server as well. True if it has answered. */
    async mounted(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
      const { pathname } = requestUrl(request, 'http://localhost');
      if (!pathname.startsWith(`${path}/`)) return false;
      await answer(request, response, pathname.slice(path.length));
      return true;
    },
    close: async () => {},
  };
  const key = new TextEncoder().encode(secret);
  const userOf = ({ id, email, name, roles, confirmed }: Member) => ({
    id,
    aud: '',
    role: '',
    email,
    ...(confirmed && { confirmed_at: '2026-01-01T00:00:00Z' }),
    app_metadata: { provider: 'email', ...(roles && { roles }) },
    user_metadata: { full_name: name },
    created_at: '2026-01-01T00:00:00Z',
    updated_at: '2026-01-01T00:00:00Z',
  });
  const session = async (member: Member) => {
    const refresh = randomBytes(12).toString('base64url');
    gotrue.refresh.set(refresh, member);
    const { app_metadata, user_metadata } = userOf(member);
    const token = await new SignJWT({ email: member.email, app_metadata, user_metadata })
      .setProtectedHeader({ alg: 'HS256', kid: 'nf-ident', typ: 'JWT' })
      .setSubject(member.id)
      .setExpirationTime('1h')
      .sign(key);
    return { access_token: token, token_type: 'bearer', expires_in: 3600, refresh_token: refresh };
  };
  /** Undefined if it has refused already. */
  const memberOf = async (request: IncomingMessage, response: ServerResponse) => {
    const token = /^[Bb]earer (\S+)$/.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined) return refuse(response, 401, 'This endpoint requires a Bearer token');
    const payload = await jwtVerify(token, key, { algorithms: ['HS256'] }).then(
      (verified) => verified.payload,
      () => undefined,
    );
    if (!payload) return refuse(response, 401, 'Invalid token: signature is invalid');
    const member = gotrue.members.find(({ id }) => id === payload.sub);
    return member ?? refuse(response, 404, 'User not found');
  };

  async function grant(form: URLSearchParams) {
    switch (form.get('grant_type')) {
      case 'password': {
        const member = gotrue.members.find(({ email }) => email === form.get('username'));
        if (member?.confirmed === false) return refusal('invalid_grant', 'Email not confirmed');
        if (member?.password === form.get('password')) return session(member);
        return refusal('invalid_grant', 'No user found with that email, or password invalid.');
      }
      case 'refresh_token': {
        const token = form.get('refresh_token') ?? '';
        if (token === '') return refusal('invalid_request', 'refresh_token required');
        const member = gotrue.refresh.get(token);
        if (!gotrue.refresh.delete(token) || !member) return refusal('invalid_grant', 'Invalid Refresh Token');
        return session(member);
      }
      default:
        return refusal('unsupported_grant_type', '');
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse, pathname: string) {
    if (request.method === 'OPTIONS') return preflight(request, response);
    if (request.headers.origin !== undefined) allow(response);
    gotrue.requests.push(`${request.method} ${pathname}`);
    switch (`${request.method} ${pathname}`) {
      case 'GET /settings':
        return sendJson(response, 200, gotrue.settings);
      case 'GET /user': {
        const member = await memberOf(request, response);
        return member && sendJson(response, 200, userOf(member));
      }
      case 'POST /token': {
        const given = await grant(await readParameters(request));
        return sendJson(response, 'error' in given ? 400 : 200, given);
      }
      case 'POST /logout': {
        const member = await memberOf(request, response);
        if (!member) return;
        for (const [token, owner] of gotrue.refresh) if (owner === member) gotrue.refresh.delete(token);
        return void response.writeHead(204).end();
      }
    }
    throw new HttpError(404, 'Not found');
  }

  const { url, close } = await listen(async (request, response) => {
    if (!(await gotrue.mounted(request, response))) throw new HttpError(404, 'Not found');
  }, options);
  return Object.assign(gotrue, { url: url + path, close });
}

/** As OAuth has it. */
const refusal = (error: string, error_description: string) => ({ error, error_description });

function refuse(response: ServerResponse, code: number, msg: string): undefined {
  sendJson(response, code, { code, msg });
}

function allow(response: ServerResponse) {
  response.setHeader('Access-Control-Allow-Origin', '*');
  response.setHeader('Access-Control-Allow-Credentials', 'true');
}

/** One header or method that it does not know, and the page may send nothing. */
function preflight(request: IncomingMessage, response: ServerResponse) {
  const wanted = request.headers['access-control-request-headers'] ?? '';
  const method = request.headers['access-control-request-method'] ?? '';
  const headers = wanted.split(',').flatMap((name) => name.trim() || []);
  if (allowedMethods.includes(method) && headers.every((name) => allowedHeaders.includes(name))) {
    allow(response);
    response.setHeader('Access-Control-Allow-Methods', method);
    response.setHeader('Access-Control-Allow-Headers', wanted);
  }
  response.writeHead(204).end();
}
