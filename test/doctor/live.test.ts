import { createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../hosts/http.ts';
import { doctor } from './run.ts';
import { adminPage, serve, startWorld, type CmsName, type HostName } from './world.ts';

let world: Awaited<ReturnType<typeof startWorld>>;
beforeAll(async () => void (world = await startWorld()));
afterAll(() => world.close());
beforeEach(() => world.reset());

const examine = (...args: string[]) => doctor([world.admin, ...args]);

describe('A good set-up', () => {
  it.each<[CmsName, HostName]>([
    ['decap', 'github'],
    ['decap', 'gitlab'],
    ['decap', 'bitbucket'],
    ['netlify', 'github'],
    ['netlify', 'gitlab'],
    ['netlify', 'bitbucket'],
    ['sveltia', 'github'],
    ['sveltia', 'gitlab'],
  ])('of %s with %s has nothing wrong', async (cms, host) => {
    const graphql = cms === 'sveltia' ? { graphql_api_root: `${world.hosts[host].url}/api/graphql` } : undefined;
    world.publish(cms, world.config(host, graphql));
    const { first, out, code } = await examine();
    expect(first, out).toMatch(/^Nothing wrong found\./);
    expect(out).toMatch(new RegExp(`0 broken, 0 risky, .* login server ${world.loginServer}\\.`));
    expect(out).not.toContain('Not checked');
    expect(code).toBe(0);
  });

  it('asks the Git host for its consent page and the repository, and the consent of nobody', async () => {
    const { requests } = world.hosts.github;
    requests.length = 0;
    await examine();
    expect(requests.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /login/oauth/authorize',
      'GET /api/v3/repos/demo/site',
    ]);
  });

  it('has nothing to know either, with Decap and GitHub', async () => {
    const { out } = await examine();
    expect(out).toMatch(
      /^Nothing wrong found\.\n\n0 broken, 0 risky, 0 notes\. Examined: .*, Decap CMS \^3\.16\.3, github, /,
    );
  });

  it('may have a path in front of the login server', async () => {
    world.env['CMS_AUTH_URL'] = `${world.loginServer}/prod`;
    world.hosts.github.app.redirectUris = [`${world.loginServer}/prod/auth/github/callback`];
    world.publish('decap', world.config('github', { auth_endpoint: 'prod/auth' }));
    expect((await examine()).first).toMatch(/^Nothing wrong found/);
    expect((await examine('--hop', `${world.loginServer}/prod`)).first).toMatch(/^Nothing wrong found/);
  });

  it('may renew in Sveltia', async () => {
    const more = { auth_endpoint: 'auth/gitlab/authorize' };
    world.publish('sveltia', world.config('gitlab', more));
    expect((await examine()).out).toMatch(/^Nothing wrong found\.\n/);
  });
});

describe('A login server of others', () => {
  let location: URL;
  let other: Awaited<ReturnType<typeof listen>>;
  beforeAll(async () => {
    other = await listen(
      (_, response) =>
        void response
          .writeHead(302, { location: location.href, 'set-cookie': 'state=y; HttpOnly; SameSite=Lax' })
          .end(),
      { host: 'localhost' },
    );
  });
  afterAll(() => other.close());
  beforeEach(() => {
    location = new URL(
      `${world.hosts.github.url}/login/oauth/authorize?client_id=demo-client-id&scope=repo&state=y&redirect_uri=${other.url}/callback`,
    );
    world.hosts.github.app.redirectUris = [`${other.url}/callback`];
    world.publish('decap', world.config('github', { base_url: other.url }));
  });

  it('has nothing wrong', async () => {
    const { first, code } = await examine();
    expect(first).toMatch(/^Nothing wrong found\. To know: The login server .* is not this product/);
    expect(code).toBe(0);
  });

  it.each<[string, () => void, RegExp]>([
    [
      'another callback',
      () => location.searchParams.set('redirect_uri', 'https://x.invalid/y'),
      /takes its address for/,
    ],
    ['a path', () => location.searchParams.set('redirect_uri', `${other.url}/x/auth/github/callback`), /ends at/],
    ['too small a scope', () => location.searchParams.set('scope', 'user'), /for the scope user, the CMS for repo/],
    ['another instance', () => (location = new URL(location.href.replace('127.0.0.1', 'x.invalid'))), /x\.invalid/],
    [
      'no client id',
      () => location.searchParams.set('client_id', 'undefined'),
      /^broken .*sends no client id to GitHub/,
    ],
    ['an empty client id', () => location.searchParams.set('client_id', ''), /^broken .*sends no client id to GitHub/],
    ['an unknown client', () => location.searchParams.set('client_id', 'other'), /does not know the client id/],
  ])('with %s gets no settings of ours', async (_, change, says) => {
    change();
    const { first, out } = await examine();
    expect(first, out).toMatch(says);
    expect(out).not.toMatch(/CMS_AUTH|GITHUB_/);
  });
});

describe('The login server', () => {
  const broken: Record<string, { change: () => unknown; says: RegExp; args?: string[]; severity?: string }> = {
    'takes itself for another address': {
      change: () => (world.env['CMS_AUTH_URL'] = 'http://localhost:1'),
      says: /takes its address for http:\/\/localhost:1, but base_url is http:\/\/localhost:\d+/,
    },
    'has no client id': {
      change: () => delete world.env['GITHUB_CLIENT_ID'],
      says: /GitHub is not set up at the login server: GITHUB_CLIENT_ID is not set/,
    },
    'has no client secret': {
      change: () => delete world.env['GITHUB_CLIENT_SECRET'],
      says: /GitHub is not ready at the login server: GITHUB_CLIENT_SECRET is not set/,
    },
    'has a list that cannot be used': {
      change: () => (world.env['CMS_AUTH_ORIGINS'] = `${world.site}/admin/`),
      says: /The login server refuses: CMS_AUTH_ORIGINS cannot be used/,
    },
    'does not list the page': {
      change: () => (world.env['CMS_AUTH_ORIGINS'] = 'https://www.example.com'),
      says: /http:\/\/127\.0\.0\.1:\d+ is not on the login server’s list/,
    },
    'works with another instance of the host': {
      change: () => delete world.env['GITHUB_URL'],
      says: /sends the editor to github\.com, but the CMS works with 127\.0\.0\.1/,
    },
    'works with an instance of its own, the CMS does not': {
      change: () => world.publish('decap', world.config('github').replace(/ {2}api_root.*\n/, '')),
      says: /sends the editor to 127\.0\.0\.1:\d+, but the CMS works with github\.com/,
    },
    'is asked where nothing is': {
      change: () => world.publish('decap', world.config('github', { auth_endpoint: 'login' })),
      says: /There is no login at http:\/\/localhost:\d+\/login: it answers 404/,
    },
    'stands behind something that adds an opener policy': {
      change: () => (world.change = (headers) => ({ ...headers, 'cross-origin-opener-policy': 'same-origin' })),
      says: /sends "Cross-Origin-Opener-Policy: same-origin" at \/auth/,
    },
    'stands behind something that takes cookies away': {
      change: () =>
        (world.change = (headers) => {
          const rest = { ...headers };
          delete rest['set-cookie'];
          return rest;
        }),
      says: /The cookie of the login does not arrive/,
    },
    'stands behind something that answers for the callback': {
      change: () =>
        (world.front = (next) => (request, response) =>
          request.url?.includes('/callback') ? void response.writeHead(404).end() : next()),
      says: /The callback address .* does not work: it answers 404/,
    },
    'moves elsewhere': {
      change: () =>
        (world.front = () => (request, response) =>
          void response.writeHead(301, { location: `https://www.example.com${request.url}` }).end()),
      says: /redirects to https:\/\/www\.example\.com\/auth before the login begins/,
    },
    'redirects to a page of something else': {
      change: () =>
        (world.front = () => (request, response) =>
          void (request.url?.startsWith('/auth')
            ? response.writeHead(302, { location: '/login' }).end()
            : response.end('Sign in to our shop'))),
      says: /redirects to http:\/\/localhost:\d+\/login before the login begins/,
    },
    'redirects in circles': {
      change: () =>
        (world.front = () => (request, response) => void response.writeHead(302, { location: request.url }).end()),
      says: /redirects to http:\/\/localhost:\d+\/auth before the login begins/,
    },
    'redirects twice before the login begins': {
      change: () => {
        world.publish('decap', world.config('github', { auth_endpoint: 'old/auth' }));
        world.front = (next) => (request, response) => {
          const [path = '', query] = (request.url ?? '').split('?');
          const to = { '/old/auth': '/login', '/login': '/auth' }[path];
          return to === undefined ? next() : void response.writeHead(302, { location: `${to}?${query}` }).end();
        };
      },
      says: /redirects to http:\/\/localhost:\d+\/login before the login begins/,
      severity: 'risky',
    },
    fails: {
      change: () => (world.front = () => (_, response) => void response.writeHead(502).end('<h1>Bad gateway')),
      says: /is no login server: it answers 502/,
    },
    'is slow': {
      change: () => (world.front = (next) => () => void setTimeout(next, 2_000)),
      args: ['--timeout', '0.2'],
      says: /cannot be reached: it does not answer within 0\.2 seconds/,
    },
    'closes the connection': {
      change: () => (world.front = () => (request) => void request.socket.destroy()),
      says: /cannot be reached: it closes the connection/,
    },
    'is not where --hop says': {
      change: () => {},
      args: ['--hop', 'https://auth.example.com'],
      says: /base_url is http:\/\/localhost:\d+, but your login server is https:\/\/auth\.example\.com/,
    },
    'renews no Bitbucket sessions': {
      change: () => {
        world.publish('decap', world.config('bitbucket'));
        delete world.env['CMS_AUTH_REFRESH'];
      },
      says: /does not renew Bitbucket sessions/,
      severity: 'risky',
    },
    'has no function for renewing': {
      change: () => {
        world.publish('decap', world.config('bitbucket'));
        world.front = (next) => (request, response) =>
          request.url?.startsWith('/auth/refresh') ? void response.writeHead(404).end() : next();
      },
      says: /\/auth\/refresh does not answer as it should \(404\)/,
    },
    'has an OAuth app with another callback address': {
      change: () => (world.hosts.github.app.redirectUris = [`${world.loginServer}/callback`]),
      says: /The callback address is not registered at GitHub/,
    },
    'has an application with another redirect address at GitLab': {
      change: () => {
        world.publish('decap', world.config('gitlab'));
        world.hosts.gitlab.app.redirectUris = [`${world.loginServer}/callback`];
      },
      says: /The callback address is not registered at GitLab/,
    },
    'has a consumer with another callback address at Bitbucket': {
      change: () => {
        world.publish('decap', world.config('bitbucket'));
        world.hosts.bitbucket.app.redirectUris = ['https://www.example.com/callback'];
      },
      says: /The callback address is not registered at Bitbucket/,
    },
    'has a client id that the host does not know': {
      change: () => (world.env['GITHUB_CLIENT_ID'] = 'another'),
      says: /GitHub does not know the client id/,
    },
    'asks for less than the CMS needs': {
      change: () => (world.env['GITHUB_SCOPE'] = 'public_repo'),
      says: /asks GitHub for the scope public_repo, the CMS for repo/,
      severity: 'risky',
    },
  };

  it.each(Object.entries(broken))('%s', async (_, { change, says, args = [], severity = 'broken' }) => {
    change();
    const { first, out, code } = await examine(...args);
    expect(first, out).toMatch(says);
    expect(first.startsWith(severity)).toBe(true);
    expect(code).toBe(severity === 'broken' ? 1 : 0);
  });

  it('is down', async () => {
    const gone = await serve({}, 'localhost');
    await gone.close();
    world.publish('decap', world.config('github', { base_url: gone.url }));
    expect((await examine()).first).toMatch(/The login server .* cannot be reached: nothing answers there/);
  });

  it('is a site that knows nothing of logins', async () => {
    const other = await serve({ '/auth': { body: '<h1>Welcome</h1>' } }, 'localhost');
    world.publish('decap', world.config('github', { base_url: other.url }));
    const { first } = await examine().finally(() => other.close());
    expect(first).toMatch(/is no login server: it answers 200 instead of a login at GitHub/);
  });

  it('says as much when only a file is given, and what it cannot know', async () => {
    const { onFiles } = await import('./run.ts');
    const { first, out } = await onFiles({ 'config.yml': world.config('github') }, ['config.yml']);
    expect(first).toMatch(/^Nothing wrong found\./);
    expect(out).toMatch(/Not checked:\n- Whether the CMS page is listed in CMS_AUTH_ORIGINS/);
    const known = `site_url: ${world.site}\n${world.config('github')}`;
    expect((await onFiles({ 'config.yml': known }, ['config.yml'])).out).not.toContain('Not checked');
    world.env['CMS_AUTH_ORIGINS'] = 'https://www.example.com';
    expect((await onFiles({ 'config.yml': known }, ['config.yml'])).first).toMatch(/is not on the login server’s list/);
  });
});

describe('The admin page', () => {
  const page = (body: string, headers: Record<string, string> = {}) => (world.pages['/admin/'] = { body, headers });
  const broken: Record<
    string,
    { change: () => unknown; says: RegExp; why?: RegExp; severity?: string; source?: () => string }
  > = {
    'cuts its popups off': {
      change: () =>
        world.publish('decap', world.config('github'), { 'cross-origin-opener-policy': 'same-origin; report-to="x"' }),
      says: /The admin page sends "Cross-Origin-Opener-Policy: same-origin", which cuts the popup off/,
    },
    'may not call the Git host': {
      change: () =>
        world.publish('decap', world.config('github'), {
          'content-security-policy': "default-src 'self'; script-src https://unpkg.com 'unsafe-eval'",
        }),
      says: /The Content-Security-Policy of the admin page does not let the CMS call http:\/\/127\.0\.0\.1/,
    },
    'says so in a tag': {
      change: () =>
        page(
          adminPage(
            'decap',
            `<meta http-equiv="Content-Security-Policy" content="connect-src 'self' https://api.github.com">`,
          ),
        ),
      says: /The Content-Security-Policy of the admin page does not let the CMS call/,
    },
    'is a sandbox': {
      change: () =>
        world.publish('decap', world.config('github'), { 'content-security-policy': 'sandbox allow-scripts' }),
      says: /is a sandbox without popups/,
    },
    'is not there': { change: () => delete world.pages['/admin/'], says: /The admin page answers 404/ },
    'fails on the server': {
      change: () => (world.pages['/admin/'] = { status: 500 }),
      says: /The admin page answers 500/,
      why: /Something is wrong on that server/,
    },
    'is packed wrongly': {
      change: () => page('no gzip', { 'content-encoding': 'gzip' }),
      says: /The admin page cannot be reached: its answer is packed in a way that cannot be unpacked/,
    },
    'has headers without end': {
      change: () => page('', { x: 'x'.repeat(100_000) }),
      says: /The admin page cannot be reached: its headers are too long/,
    },
    'has no configuration': {
      change: () => delete world.pages['/admin/config.yml'],
      says: /\/admin\/config\.yml answers 404/,
    },
    'gets the start page as its configuration': {
      change: () => (world.pages['/admin/config.yml'] = { body: '<!DOCTYPE html>\n<html>' }),
      says: /There is a web page where the CMS configuration should be/,
    },
    'gets a configuration without end': {
      change: () => (world.pages['/admin/config.yml'] = { body: 'a: 1\n'.padEnd(3_000_000, '#') }),
      says: /is larger than 2 MB/,
    },
    'has a link that Sveltia does not take': {
      change: () => page(adminPage('sveltia', '<link rel="cms-config-url" href="config.yml">')),
      says: /The link to the configuration has no type, which Sveltia CMS does not take/,
    },
    'has a link that Decap ignores': {
      change: () => page(adminPage('decap', '<link href="/cms.json" type="application/json" rel="cms-config-url">')),
      says: /The link to the configuration has the type "application\/json", which Decap CMS does not take/,
    },
    'loads two CMSs': {
      change: () => page(adminPage('decap') + adminPage('sveltia')),
      says: /loads Decap CMS and Sveltia CMS at once/,
    },
    'is without a final slash': {
      change: () => {
        world.pages['/admin'] = { body: adminPage('decap') };
      },
      source: () => `${world.site}/admin`,
      says: /is at \/admin without a final slash/,
    },
    'makes its configuration itself': {
      change: () => {
        page(adminPage('decap', '<script>window.CMS_MANUAL_INIT = true</script>'));
        delete world.pages['/admin/config.yml'];
      },
      says: /The configuration is made by a script in the admin page/,
      severity: 'risky',
    },
    'redirects in circles': {
      change: () => (world.pages['/admin/'] = { status: 302, headers: { location: '/admin/' } }),
      says: /cannot be reached: it redirects in circles/,
    },
  };

  it.each(Object.entries(broken))(
    '%s',
    async (_, { change, says, why = /./, severity = 'broken', source = () => world.admin }) => {
      change();
      const { first, out, code } = await doctor([source()]);
      expect(first, out).toMatch(says);
      expect(out).toMatch(why);
      expect(first.startsWith(severity)).toBe(true);
      expect(code).toBe(severity === 'broken' ? 1 : 0);
    },
  );

  it('may link to a configuration elsewhere, and Sveltia to one in TOML', async () => {
    page(adminPage('decap', `<link rel="cms-config-url" type="text/yaml" href="../cms.yml?v=1&amp;w=2">`));
    world.pages['/cms.yml'] = { body: world.config('github') };
    expect((await examine()).first).toBe('Nothing wrong found.');
    page(adminPage('sveltia', '<link rel="cms-config-url" type="application/toml" href="/cms.toml">'));
    world.pages['/cms.toml'] = {
      body: `[backend]\nname = "github"\nrepo = "a/b"\nbranch = "main"\nbase_url = "${world.loginServer}/auth"\n`,
    };
    expect((await examine()).first).toMatch(/base_url has a path \(\/auth\).*\/cms\.toml:5\)$/);
  });

  it('may allow just what is needed', async () => {
    const policy = `default-src 'self'; script-src https://unpkg.com/decap-cms@^3.16.3/ 'unsafe-eval'; connect-src 'self' ${world.hosts.github.url}`;
    world.publish('decap', world.config('github'), {
      'content-security-policy': policy,
      'cross-origin-opener-policy': 'same-origin-allow-popups',
    });
    expect((await examine()).first).toBe('Nothing wrong found.');
  });

  it('redirects to another origin, which is the one that counts', async () => {
    const old = await serve({ '/admin/': { status: 301, headers: { location: world.admin } } });
    const { out } = await doctor([`${old.url}/admin/`]).finally(() => old.close());
    expect(out).toContain(`CMS_AUTH_ORIGINS=${world.site}`);
    expect(out).toMatch(/^Nothing wrong found\. To know: The admin page redirects to/);
  });

  it('is no web server', async () => {
    const server = createServer((socket) => void socket.end('220 mail.example.com ready\r\n'));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as AddressInfo;
    const { first } = await doctor([`http://127.0.0.1:${port}/admin/`]).finally(() => server.close());
    expect(first).toMatch(/The admin page cannot be reached: what it answers is not HTTP/);
  });

  it('is nowhere', async () => {
    expect((await doctor(['https://no-such-host.invalid/admin/'])).first).toMatch(
      /The admin page cannot be reached: (?:there is no such host name|its host name could not be looked up)/,
    );
  });
});
