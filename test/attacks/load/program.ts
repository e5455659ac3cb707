/**
 * Ten thousand logins, in a process of their own, so that its memory and its handles are those of the logins. Prints what it
 * has seen as JSON; what that has to be is the test's business.
 */
import { readdirSync } from 'node:fs';
import { Agent, request as send } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { createHandler } from '../../../lib/login/handler.ts';
import { lambda } from '../../../lib/platforms/lambda.ts';
import { listen, node } from '../../../lib/platforms/node.ts';
import { bitbucket } from '../../../lib/providers/bitbucket.ts';
import { github } from '../../../lib/providers/github.ts';
import { gitlab } from '../../../lib/providers/gitlab.ts';
import { startHost, wayOf, ways } from './host.ts';
import { codeOf, popupResultOf, nextOf } from '../../popup.ts';
import { freePort } from '../../hosts/port.ts';

export interface Report {
  /** Logins that ended as they should, by how. */
  ended: Record<string, number>;
  /** By way of failing, likewise. */
  failed: Record<string, number>;
  /** The first of those that did not. */
  wrong: string[];
  logins: number;
  tokenRequests: number;
  codesLeft: number;
  logged: number;
  /** Bytes of heap after a collection: when a fifth was done, and all. */
  heap: [number, number];
  /** What keeps the process alive, and its open files, where they can be counted: before and after. */
  handles: [Record<string, number>, Record<string, number>];
  files: [number, number];
}

const [platform = 'lambda', amount = '10000'] = process.argv.slice(2);
const logins = Number(amount);
const atATime = 50;
const site = 'https://www.example.com';
const secret = 'the-secret-of-the-app';
const providers = [github, gitlab, bitbucket];

interface Answer {
  status: number;
  location: string | undefined;
  cookies: string[];
  body: string;
}

const handles = () => {
  const counts: Record<string, number> = {};
  for (const name of process.getActiveResourcesInfo()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
};
const files = () => {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return 0; // not Linux
  }
};
// These are handles, too, once they are looked at; and what loading left behind is none of ours.
void [process.stdout, process.stderr];
await setTimeout(100);
const before = { handles: handles(), files: files() };

const host = await startHost(secret);
const env: Record<string, string> = {
  CMS_AUTH_ORIGINS: site,
  CMS_AUTH_REFRESH: 'github gitlab bitbucket',
};
for (const { id } of providers) {
  const prefix = id.toUpperCase();
  env[`${prefix}_URL`] = `${host.url}/${id}`;
  env[`${prefix}_CLIENT_ID`] = `${id}-client`;
  env[`${prefix}_CLIENT_SECRET`] = secret;
}

const wrong: string[] = [];
const complain = (what: string) => wrong.length < 20 && wrong.push(what);
let logged = 0;
const handler = createHandler(providers, {
  env,
  log: (entry) => {
    logged++;
    const line = JSON.stringify(entry);
    if (/(access|refresh)-\d|\d+-[\w-]{12}|[\w-]{43}/.test(line) || line.includes(secret)) complain(`logged: ${line}`);
  },
});

const { ask, close } = platform === 'lambda' ? onLambda() : await onServer();

function onLambda() {
  const run = lambda(handler);
  return {
    async ask(path: string, query: string, cookie: string): Promise<Answer> {
      const { statusCode, headers, cookies, body } = await run({
        rawPath: path,
        rawQueryString: query,
        headers: { 'sec-fetch-dest': 'document' },
        ...(cookie !== '' && { cookies: cookie.split('; ') }),
        requestContext: { domainName: 'auth.example.com', stage: '$default', requestId: 'r', http: { method: 'GET' } },
      });
      return { status: statusCode, location: headers['location'], cookies, body };
    },
    close: () => Promise.resolve(),
  };
}

async function onServer() {
  const port = await freePort();
  const url = `http://localhost:${port}`;
  const closeServer = await listen(node(handler, { url }), { port });
  const agent = new Agent({ keepAlive: true, maxSockets: atATime });
  return {
    ask: (path: string, query: string, cookie: string) =>
      new Promise<Answer>((resolve, reject) => {
        const headers = { 'sec-fetch-dest': 'document', ...(cookie !== '' && { cookie }) };
        send({ host: '127.0.0.1', port, path: `${path}?${query}`, headers, agent }, (response) => {
          const { location, 'set-cookie': cookies = [] } = response.headers;
          const status = response.statusCode ?? 0;
          text(response).then((body) => resolve({ status, location, cookies, body }), reject);
        })
          .on('error', reject)
          .end();
      }),
    close: () => {
      agent.destroy();
      return closeServer();
    },
  };
}

/** Two tabs share one. */
class Browser {
  readonly #jar = new Map<string, string>();

  async ask(path: string, query: string): Promise<Answer> {
    const answer = await ask(path, query, [...this.#jar].map(([name, value]) => `${name}=${value}`).join('; '));
    for (const cookie of answer.cookies) {
      const [, name = '', value = '', age = ''] = /^(.*?)=(.*?);.*Max-Age=(\d+)/.exec(cookie) ?? [];
      if (age === '0') this.#jar.delete(name);
      else this.#jar.set(name, value);
    }
    return answer;
  }

  get size(): number {
    return this.#jar.size;
  }
}

const ended: Record<string, number> = {};
const failed: Record<string, number> = {};
const count = (counts: Record<string, number>, name: string) => (counts[name] = (counts[name] ?? 0) + 1);

async function login(number: number, browser: Browser): Promise<void> {
  const { id } = providers[number % providers.length] ?? github;
  const opening = await browser.ask(`/auth/${id}/authorize`, `provider=${id}&scope=repo`);
  if (opening.status !== 200 || opening.cookies.length !== 1) return void complain(`begin: ${opening.status}`);
  const next = nextOf(opening, site);
  const begun = await browser.ask(next.path, next.query);
  if (begun.status !== 302 || begun.cookies.length > 0) return void complain(`proceed: ${begun.status}`);
  const { code, query } = host.consent(number, begun.location ?? '');
  const reply = await browser.ask(`/auth/${id}/callback`, query);
  const { status, body, cookies } = reply;
  const { message = '{}', origin } = popupResultOf(reply) ?? {};
  const said = JSON.parse(message.slice(message.indexOf('{'))) as Record<string, string>;
  if (origin !== site) complain(`login ${number}: told ${origin}`);
  const way = wayOf(number);
  if (cookies.length !== 1 || !cookies[0]?.includes('Max-Age=0')) complain(`login ${number}: the cookie stays`);
  if (way === undefined) {
    const { token, provider, refreshToken, refresh_token } = said;
    const renewing = refreshToken ?? refresh_token;
    const right = status === 200 && provider === id && token === `access-${code}` && renewing === `refresh-${code}`;
    // Nobody else's, nowhere on the page.
    const others = [...body.matchAll(/(?:access|refresh)-\d+-[\w-]{12}/g)].some(([found]) => !found.endsWith(code));
    if (right && !others) count(ended, 'token');
    else complain(`login ${number}: ${status} ${said['errorCode']} instead of its token`);
  } else {
    const { errorCode = 'nothing' } = said;
    if (!ways[way]?.code.test(errorCode) || codeOf(reply) !== errorCode || /access-\d|refresh-\d|token_from/.test(body))
      return void complain(`login ${number}: ${errorCode} for ${way}`);
    count(ended, errorCode);
    count(failed, way);
  }
}

let next = 0;

async function upTo(end: number): Promise<void> {
  const tab = async (browser: Browser) => {
    while (next < end) await login(next++, browser);
    return browser;
  };
  const browsers = Array.from({ length: atATime / 2 }, () => new Browser());
  await Promise.all(browsers.flatMap((browser) => [tab(browser), tab(browser)]));
  for (const browser of browsers) if (browser.size > 0) complain('A browser is left with cookies.');
}

async function heap(): Promise<number> {
  for (let i = 0; i < 5; i++) {
    globalThis.gc?.();
    await setTimeout(20);
  }
  return process.memoryUsage().heapUsed;
}

await upTo(logins / 5);
const early = await heap();
await upTo(logins);
const late = await heap();

await Promise.all([close(), host.close()]);
// Closing takes its time; what is leaked stays.
const isLike = (now: Record<string, number>) => JSON.stringify(now) === JSON.stringify(before.handles);
for (let i = 0; i < 100 && !(isLike(handles()) && files() <= before.files); i++) await setTimeout(100);

const report: Report = {
  ended,
  failed,
  wrong: [...host.wrong.slice(0, 20), ...wrong],
  logins: next,
  tokenRequests: host.requests(),
  codesLeft: host.left(),
  logged,
  heap: [early, late],
  handles: [before.handles, handles()],
  files: [before.files, files()],
};
process.stdout.write(JSON.stringify(report));
