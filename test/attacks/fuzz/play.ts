import dns from 'node:dns';
import { expect, vi } from 'vitest';
import { createHandler } from '../../../lib/login/handler.ts';
import { bitbucket } from '../../../lib/providers/bitbucket.ts';
import { github } from '../../../lib/providers/github.ts';
import { gitlab } from '../../../lib/providers/gitlab.ts';
import { canary, expectOurs, isListed, origins, readResult, site } from './ours.ts';
import { openDoors, type Asked, type Door } from './doors.ts';
import { startRawHost } from './host.ts';
import { popupResultOf, nextOf, popupGreetingOf } from '../../popup.ts';
import type { LogEntry } from '../../../lib/http/log.ts';
import { pointersTo, type ParameterStore } from '../../../lib/config/pointers.ts';
import type { Reply } from '../../contract/login.ts';
import type { Bend, Story } from './stories.ts';

export const providers = [github, gitlab, bitbucket];
const loginServer = 'https://auth.example.com';

/** A deadline of 8 s is one of 125 ms here, since what hangs has nothing more to show. What is merely slow may hang, too. */
const hurry = 64;
/** Longer than any deadline can be. Whoever gets here waits for ever. */
const forEver = 10_000;

/** The codes that follow a question to the Git host; behind all others there was none. */
const afterExchange =
  /^(HOST_\w+|BAD_CLIENT_CREDENTIALS|(CODE|REFRESH)_REJECTED|REDIRECT_URI_MISMATCH|UNVERIFIED_EMAIL)$/;

export async function openTheatre() {
  const [doors, host] = await Promise.all([openDoors(), startRawHost()]);
  /** How often each outcome was seen. */
  const outcomes = new Map<string, number>();
  const trouble: string[] = [];
  const note = (what: unknown) => void trouble.push(String(what));
  const noteWarning = ({ name, message }: Error) => /Listeners|Timeout|Unhandled/.test(name) && note(message);
  process.on('unhandledRejection', note).on('uncaughtExceptionMonitor', note).on('warning', noteWarning);

  /** In the address of the host, so that what comes late from a login that gave up counts for that one. */
  let run = 0;
  let ahead = 0;
  const { now } = Date;
  vi.spyOn(Date, 'now').mockImplementation(() => now() + ahead);
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((delay) => timeout(Math.ceil(delay / hurry)));
  // Settings of any kind lead anywhere; nothing here leaves the machine.
  vi.spyOn(dns, 'lookup').mockImplementation(((name: string, _: unknown, done: (error: Error) => void) =>
    done(Object.assign(new Error(`not found: ${name}`), { code: 'ENOTFOUND' }))) as unknown as typeof dns.lookup);

  function settings({ id, changes, late }: Story, step: 'first' | 'second'): Record<string, string | undefined> {
    const env: Record<string, string | undefined> = {
      CMS_AUTH_URL: loginServer,
      CMS_AUTH_ORIGINS: origins,
      CMS_AUTH_REFRESH: 'github gitlab bitbucket',
    };
    for (const provider of providers) {
      const prefix = provider.id.toUpperCase();
      env[`${prefix}_URL`] = `${host.url}/${run}/${provider.id}`;
      env[`${prefix}_CLIENT_ID`] = `${provider.id}-client`;
      env[`${prefix}_CLIENT_SECRET`] = `${canary}secret`;
    }
    for (const { when, name, value } of changes) if (when === 'always' || step === 'second') env[name] = value;
    // The secret is what is read last before the exchange.
    const name = `${id.toUpperCase()}_CLIENT_SECRET`;
    const secret = env[name];
    if (late)
      Object.defineProperty(env, name, {
        get() {
          ahead = 9_000;
          return secret;
        },
      });
    return env;
  }

  async function ask(story: Story, step: 'first' | 'second', asked: Asked, secrets: string[], later = 0) {
    const entries: LogEntry[] = [];
    const env = settings(story, step);
    const handler = createHandler(providers, {
      env,
      log: (entry) => entries.push(entry),
      now: () => now() + later * 1000,
    });
    const already = host.asked.length;
    host.answer = story.answer;
    const platform = { url: loginServer, loadPointers: () => Promise.resolve(pointersTo(store(story))) };
    const reply = await neverForEver(doors.ask(doorOf(story), handler, { ...asked, cut: story.cut }, platform));
    ahead = 0;
    const seen = {
      asked,
      reply,
      entries,
      exchanges: host.asked.slice(already).filter((exchange) => exchange.startsWith(`POST /${run}/`)),
      secrets,
    };
    const entry = expectOurs(seen);
    const outcome = entry.code ?? `${entry.event} ${reply.status}`;
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    theatre.last = outcome;
    if (entry.code !== undefined && !afterExchange.test(entry.code)) expect(seen.exchanges).toEqual([]);
    return { ...seen, entry };
  }

  const theatre = {
    outcomes,
    /** The newest of them. */
    last: '',
    trouble,
    doors,
    async play(story: Story): Promise<void> {
      run++;
      host.asked.length = 0;
      await (story.kind === 'login' ? login(story) : renewal(story));
      expect(trouble).toEqual([]);
    },
    async close() {
      vi.restoreAllMocks();
      process.off('unhandledRejection', note).off('uncaughtExceptionMonitor', note).off('warning', noteWarning);
      await Promise.all([doors.close(), host.close()]);
    },
  };
  return theatre;

  async function login(story: Story) {
    const { id, variant, error, iss, later, again } = story;
    const start = bend(story, 'begin', {
      method: 'GET',
      path: ['/auth', `/auth/${id}`, `/auth/${id}/authorize`, `/auth/${id}/`][variant] ?? '/auth',
      parameters: [
        ['provider', id],
        ['site_id', 'www.example.com'],
        ['scope', 'repo'],
      ],
      headers: { 'sec-fetch-dest': 'document' },
      cookies: [],
      body: '',
    });
    const opening = await ask(story, 'first', start, []);
    if (popupGreetingOf(opening.reply) === undefined) return;
    const cookie = opening.reply.cookies.at(-1)?.split(';', 1)[0] ?? '';
    const next = nextOf(opening.reply, site);
    const on = bend(story, 'proceed', {
      method: 'GET',
      path: next.path,
      parameters: [...new URLSearchParams(next.query)],
      headers: { 'sec-fetch-dest': 'document' },
      cookies: [cookie],
      body: '',
    });
    const begun = await ask(story, 'first', on, []);
    const location = begun.reply.headers['location'];
    if (location === undefined) return;
    // Whoever gets to the host is listed, and has proven that the first step was theirs.
    const opener = new URLSearchParams(on.query).get('origin') ?? '';
    expect(isListed(opener)).toBe(true);
    expect(new URLSearchParams(on.query).get('proof')).toBe(new URLSearchParams(next.query).get('proof'));
    expect(cookieAsSent(story, on)).toContain(cookie);
    const state = new URL(location).searchParams.get('state') ?? '';
    // The states's own parts, and the key.
    const secrets = [...state.split('.'), ...cookie.split(/[=.~]/)].filter((part) => part.length > 11);
    secrets.splice(0, secrets.length, ...secrets.filter((part) => !part.includes('login-')));

    const answer: [string, string][] =
      error === undefined ? [['code', `${canary}code`]] : [['error', error], ['error_description', error]]; // prettier-ignore
    const prefix = new URL(new URL(location).searchParams.get('redirect_uri') ?? '').pathname;
    const { authorizePath, issuerPath } = providers.find((known) => prefix.includes(`/${known.id}/`)) ?? github;
    const issuer = `${location.split(`${authorizePath}?`, 1)[0]}${issuerPath}`;
    const back = bend(story, 'finish', {
      method: 'GET',
      path: prefix,
      parameters: [...answer, ['state', state], ...(iss ? [['iss', issuer] as [string, string]] : [])],
      headers: { 'sec-fetch-dest': 'document' },
      cookies: [cookie],
      body: '',
    });
    const finished = await ask(story, 'second', back, secrets, later);
    const { reply, exchanges, entry } = finished;
    if (entry.event === 'finish' && reply.status === 200 && exchanges.length === 1) {
      // Nobody but the browser that began, with what it got, and what the host said.
      const asked = new URLSearchParams(back.query);
      expect(asked.get('state')).toBe(state);
      expect([null, issuer]).toContain(asked.get('iss'));
      expect(cookieAsSent(story, back)).toContain(cookie);
      expect(later).toBeLessThanOrEqual(661);
      expectExchange(exchanges[0] ?? '', {
        grant_type: 'authorization_code',
        // What is no URL, Node reads in one way as it is and in another once it is encoded.
        ...(/^[\x21-\x7e]*$/.test(back.query) && { code: asked.get('code') ?? '' }),
      });
      expect(popupResultOf(reply)).toMatchObject({ origin: opener });
      const { token = '', refreshToken, refresh_token } = readResult(reply);
      expectFromHost(token, 'access_token', story);
      const renewing = refreshToken ?? refresh_token;
      if (renewing !== undefined) expectFromHost(renewing, 'refresh_token', story);
    }
    if (!again || exchanges.length === 0) return;
    // The browser has dropped its cookie by now.
    const repeated = await ask(story, 'second', { ...back, headers: { 'sec-fetch-dest': 'document' } }, secrets, later);
    expect(repeated.exchanges).toEqual([]);
  }

  async function renewal(story: Story) {
    const { id, variant, iss } = story;
    const provider = providers.find((candidate) => candidate.id === id) ?? github;
    const given = `${canary}given`;
    const asJson = variant > 1;
    const token: [string, string][] = [['refresh_token', given]];
    const asked = bend(story, 'refresh', {
      method: 'POST',
      path: provider.refresh.path,
      parameters: [['provider', id], ...(variant === 0 ? token : [])],
      headers: {
        origin: site,
        ...(variant > 0 && { 'content-type': asJson ? 'application/json' : 'application/x-www-form-urlencoded' }),
      },
      cookies: iss ? ['other=1'] : [],
      body: asJson
        ? JSON.stringify({ grant_type: 'refresh_token', client_id: '', refresh_token: given })
        : variant === 1
          ? `refresh_token=${given}`
          : '',
    });
    const { reply, exchanges, entry } = await ask(story, 'second', asked, []);
    if (exchanges.length === 0) return;
    expect(asked.headers['origin']).toBe(site);
    expect(isListed(asked.headers['origin'] ?? '')).toBe(true);
    if (entry.outcome !== 'ok') return;
    expectExchange(exchanges[0] ?? '', { grant_type: 'refresh_token' });
    const { token: own, access_token, refresh_token = '' } = readResult(reply);
    expectFromHost(own ?? access_token ?? '', 'access_token', story);
    // The one that was given, where the host gave no other.
    const sent = new URLSearchParams(exchanges[0]?.split('\n')[2]).get('refresh_token');
    if (refresh_token !== sent) expectFromHost(refresh_token, 'refresh_token', story);
  }
}

export type Theatre = Awaited<ReturnType<typeof openTheatre>>;

/** What points to the store needs a platform that has one, and on Lambda that would be AWS's own. */
const doorOf = ({ door, changes, cut }: Story): Door =>
  cut || (door === 'lambda' && changes.some(({ value }) => value?.includes('ssm:'))) ? 'plain' : door;

const store = ({ stored: { value, problem } }: Story): ParameterStore => ({
  read: (names) =>
    Promise.resolve(
      new Map(
        names.map((name) => [
          name,
          {
            ...(value !== undefined && { value: name.includes('secret') ? value : value.replace(canary, '') }),
            ...(problem && { problem: { code: problem, fill: { region: 'eu-central-1', detail: 'it is closed' } } }),
          },
        ]),
      ),
    ),
  invalidate: () => {},
});

/** The secret goes to the host that is set, in the way that it wants, with what was asked for and nothing of the CMS's. */
function expectExchange(exchange: string, expected: Record<string, string>): void {
  const [start = '', credentials = '', body = ''] = exchange.split('\n');
  const [, id] =
    /^POST \/\d+\/(github\/login\/oauth\/access_token|gitlab\/oauth\/token|bitbucket\/site\/oauth2\/access_token)$/.exec(
      start,
    ) ?? [];
  expect(id).toBeDefined();
  const sent = Object.fromEntries(new URLSearchParams(body));
  expect(sent).toMatchObject(expected);
  if (id?.startsWith('bitbucket')) {
    expect(credentials).toMatch(/^Basic /);
    expect(sent).not.toHaveProperty('client_secret');
  } else expect(sent['client_secret']).toContain(canary);
}

function expectFromHost(token: string, name: string, { answer: { body } }: Story): void {
  expect(token).toMatch(/^[\x21-\x7e]+$/);
  expect(Buffer.byteLength(body)).toBeLessThanOrEqual(64 * 1024);
  let inJson: unknown;
  try {
    inJson = (JSON.parse(body.replace('\ufeff', '')) as Record<string, unknown>)[name];
  } catch {
    // a form, then
  }
  expect([inJson, new URLSearchParams(body).get(name)]).toContain(token);
}

/** Behind Firebase Hosting, one cookie comes through. */
const cookieAsSent = (story: Story, { headers: { cookie = '' } }: Asked): string =>
  doorOf(story) === 'firebase' ? cookie.split(/; ?/).filter((pair) => pair.startsWith('__session=')).join('; ') : cookie; // prettier-ignore

async function neverForEver(reply: Promise<Reply>): Promise<Reply> {
  let timer: NodeJS.Timeout | undefined;
  const never = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('There is no answer, and there will be none.')), forEver);
  });
  return Promise.race([reply, never]).finally(() => clearTimeout(timer));
}

interface Good {
  method: string;
  path: string;
  parameters: [name: string, value: string][];
  headers: Record<string, string>;
  cookies: string[];
  body: string;
}

function bend({ bends }: Story, at: Bend['at'], good: Good): Asked {
  let { method, path, body } = good;
  let { parameters } = good;
  const headers = { ...good.headers };
  let cookie = good.cookies.join('; ');
  let tail = '';
  for (const change of bends.filter((candidate) => candidate.at === at)) {
    const { part, name, how, text, place } = change;
    if (part === 'method') method = bendText(method, change);
    else if (part === 'path') path = bendText(path, change);
    else if (part === 'body') body = bendText(body, change);
    else if (part === 'cookie')
      // Planted before or behind, as often as spoilt.
      cookie =
        how === 'insert' ? [text, cookie][place % 2 ? 'reverse' : 'slice']().join('; ') : bendText(cookie, change);
    else if (part === 'query') tail += how === 'drop' || how === 'cut' ? `&${text}` : text;
    else if (part === 'header') {
      if (how === 'drop') delete headers[name];
      else headers[name] = bendText(headers[name] ?? '', change);
    } else {
      const old = parameters.find(([known]) => known === name);
      const others = parameters.filter((pair) => pair !== old);
      if (how === 'drop') parameters = others;
      else if (how === 'twice') parameters = [...parameters, [name, place % 2 ? (old?.[1] ?? text) : text]];
      else parameters = [...others, [name, bendText(old?.[1] ?? '', change)]];
    }
  }
  const query = new URLSearchParams(parameters).toString() + tail;
  return { method, path, query, headers: { ...headers, ...(cookie !== '' && { cookie }) }, body };
}

function bendText(given: string, { how, text, place }: Bend): string {
  const at = place % (given.length + 1);
  switch (how) {
    case 'replace':
      return text;
    case 'insert':
      return given.slice(0, at) + text + given.slice(at);
    case 'cut':
      return given.slice(0, at);
    case 'swap':
      return given.slice(0, at) + (given[at] === 'A' ? 'B' : 'A') + given.slice(at + 1);
    case 'twice':
      return `${given}, ${given}`;
    case 'drop':
      return '';
  }
}
