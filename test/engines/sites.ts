/** Login server, Git host and CMS pages as a browser finds them: on plain loopback http, or all of them on https. */
import { request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import { listenTls } from '../attacks/tls.ts';
import { cmsBundle, type CmsName } from '../cms/bundles.ts';
import { cmsPages, type Mounted } from '../cms/server.ts';
import { startWorld, type World } from '../e2e/world.ts';
import { listen, send } from '../hosts/http.ts';
import { freePort } from '../hosts/port.ts';

export const cmsNames: CmsName[] = ['decap', 'netlify', 'sveltia'];

/** Where the CMS page is, seen from the login server. */
export type Place = 'the same origin' | 'another origin' | 'another site';

export interface Sites {
  world: World;
  /** The login server's origin. */
  loginServer: string;
  /** Path and query of all that browsers have asked the login server's origin for. */
  asked: string[];
  page(cms: CmsName, place: Place): string;
  /** A page that counts its visitors by a cookie for all sites, and a page of another site that has it in a frame. */
  tracker: { alone: string; framed: string; knows: boolean[] };
  /** The settings and hosts as they were at first. */
  reset(): void;
  close(): Promise<void>;
}

export async function startSites(scheme: 'http' | 'https'): Promise<Sites> {
  for (const cms of cmsNames) await cmsBundle(cms);
  const world = await startWorld(await freePort());
  const asked: string[] = [];
  const api = await serve(scheme, [], world.host.url);
  // The addresses in it are known below, before anybody reads it.
  const config = { backend: {} as Record<string, string> };
  const pages = cmsNames.map((cms) => cmsPages({ cms, config, path: `/${cms}/` }));
  const note: Mounted = async ({ url = '' }) => {
    asked.push(url);
    return false;
  };
  const knows: boolean[] = [];
  const counter: Mounted = async ({ url, headers }, response) => {
    if (url !== '/counter') return false;
    knows.push(headers.cookie?.includes('visitor=1') ?? false);
    response.setHeader('Set-Cookie', 'visitor=1; Path=/; Secure; SameSite=None');
    send(response, 200, 'text/html', '<!doctype html><h1>Counted</h1>');
    return true;
  };
  const framing: Mounted = async ({ url }, response) => {
    if (url !== '/framing') return false;
    send(response, 200, 'text/html', `<!doctype html><h1>Framed</h1><iframe src="${loginServer}/counter"></iframe>`);
    return true;
  };
  const front = await serve(scheme, [note, counter, ...pages], world.loginServer);
  const site = await serve(scheme, [framing, ...pages]);

  const loginServer = `${scheme}://localhost:${front.port}`;
  const places: Record<Place, string> = {
    'the same origin': loginServer,
    'another origin': `${scheme}://localhost:${site.port}`,
    'another site': `${scheme}://127.0.0.1:${site.port}`,
  };
  Object.assign(config.backend, {
    name: 'github',
    repo: world.host.repository.fullName,
    branch: 'main',
    base_url: loginServer,
    api_root: `${scheme}://127.0.0.1:${api.port}/api/v3`,
    graphql_api_root: `${scheme}://127.0.0.1:${api.port}/api/graphql`,
  });
  world.host.app.redirectUris.push(`${loginServer}/auth/github/callback`);
  world.env['CMS_AUTH_URL'] = loginServer;
  const reset = () => {
    world.env['CMS_AUTH_ORIGINS'] = Object.values(places).join();
    world.host.consent = 'ask';
    asked.length = 0;
  };
  reset();
  return {
    world,
    loginServer,
    asked,
    tracker: { alone: `${loginServer}/counter`, framed: `${places['another site']}/framing`, knows },
    page: (cms, place) => `${places[place]}/${cms}/`,
    reset,
    close: async () => void (await Promise.all([api, front, site, world].map((server) => server.close()))),
  };
}

/** What stands in front of a server: https where that is wanted, and CMS pages beside it. */
async function serve(scheme: 'http' | 'https', pages: Mounted[], behind?: string) {
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    for (const page of pages) if (await page(request, response)) return;
    if (behind === undefined) return send(response, 404, 'text/plain', 'Not found');
    const { method, headers } = request;
    const passed = ask(new URL(request.url ?? '/', behind), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    passed.on('error', () => response.destroy());
    request.pipe(passed);
  };
  if (scheme === 'https') return listenTls((request, response) => void listener(request, response));
  const { url, close } = await listen(listener);
  return { port: Number(new URL(url).port), close };
}
