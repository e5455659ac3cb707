import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { commonHeaders } from '../../lib/web/http.ts';

/**
 * The first two steps of a login that hears its opener before it goes to the Git host, as strict as they have to be: a
 * cookie for each login, a proof over what goes along, a list.
 */
export function startOpening({ list, authorize, prefix = '' }: { list: string[]; authorize: string; prefix?: string }) {
  const keys = new Map<string, Buffer>();
  const asked: string[] = [];
  const settings = { list, next: (path: string) => path, lost: false };
  const proofOf = (key: Buffer, id: string) => createHmac('sha256', key).update(`next ${id}`).digest('base64url');
  const page = (status: number, code: string, words: string) => ({
    status,
    headers: {},
    body: `<!doctype html><main data-code="${code}"><h1>Not signed in</h1><p>${words}</p><p>Code: ${code}</p></main>`,
  });

  const answer = (url: URL, cookie: string) => {
    const path = url.pathname.slice(prefix.length);
    if (path === '/auth' && url.searchParams.has('provider')) {
      const [id, key] = [randomUUID(), randomBytes(32)];
      keys.set(id, key);
      const next = settings.next(`${prefix}/auth/github/begin?id=${id}&proof=${proofOf(key, id)}&origin=`);
      const opening = JSON.stringify({ greeting: 'authorizing:github', next }).replaceAll('&', '\\u0026');
      const body = `<!doctype html><main data-state="waiting"><p>One moment.</p></main><script type="application/json" id="opening">${opening}</script>`;
      const line = `login-${id}=${key.toString('base64url')}; HttpOnly; SameSite=Lax; Path=/`;
      return { status: 200, headers: settings.lost ? {} : { 'set-cookie': line }, body };
    }
    if (path === '/auth/github/begin') {
      const id = url.searchParams.get('id') ?? '';
      const key = keys.get(id);
      const origin = url.searchParams.get('origin') ?? '';
      asked.push(origin);
      if (!key || !cookie.includes(`login-${id}=${key.toString('base64url')}`))
        return page(400, 'COOKIE_LOST', 'Your browser did not bring back the cookie of this login.');
      if (url.searchParams.get('proof') !== proofOf(key, id)) return page(400, 'STATE_MISMATCH', 'Start again.');
      if (!settings.list.includes(origin)) return page(400, 'UNSUPPORTED_DOMAIN', 'This site is not on the list.');
      return { status: 302, headers: { location: authorize }, body: '' };
    }
    if (path === '/auth/github/callback') return { ...page(200, 'READY', 'All is there.') };
    return page(404, 'NOT_FOUND', 'There is nothing at this address.');
  };

  const listener: RequestListener = (request, response) => {
    const { status, headers, body } = answer(
      new URL(request.url ?? '/', 'http://localhost'),
      request.headers.cookie ?? '',
    );
    response.writeHead(status, { ...commonHeaders, 'content-type': 'text/html', ...headers }).end(body);
  };
  return Object.assign(settings, { listener, asked });
}
