/** What holds for every answer of ours and for every line of the log, whatever was asked. */
import { createHash } from 'node:crypto';
import { expect } from 'vitest';
import { errors, type ErrorCode } from '../../errors.ts';
import { commonHeaders } from '../../../lib/http/http.ts';
import { matchOrigin, parseOrigins } from '../../../lib/http/origins.ts';
import type { LogEntry } from '../../../lib/http/log.ts';
import { popupResultOf, popupGreetingOf } from '../../popup.ts';
import type { Reply } from '../../contract/login.ts';
import type { Asked } from './doors.ts';

/** In what a stranger, or the Git host, sends. */
export const mark = 'zq.Xz';
/** In what the owner sets. */
export const ownersMark = 'sq-Xs';
/** In whatever must stay secret; what each stands for follows it. */
export const canary = 'kanary.';

export const site = 'https://www.example.com';
export const preview = 'https://deploy-preview-7--site.example.com';
export const origins = `${site}, https://deploy-preview-*--site.example.com`;

export interface Seen {
  asked: Asked;
  reply: Reply;
  /** What was logged meanwhile. */
  entries: LogEntry[];
  /** What the Git host was asked meanwhile. */
  exchanges: string[];
  /** Of this login: keys and states, which cannot be told in advance. */
  secrets: string[];
}

// The dots keep them apart from what is drawn by lot.
const planted = new RegExp(`${mark}|${canary}`.replaceAll('.', '\\.'), 'i');
const visible = /^[\x20-\x7e]*$/;

/** @returns the one line of the log */
export function expectOurs({ asked, reply, entries, exchanges, secrets }: Seen): LogEntry {
  const { status, headers, cookies, body } = reply;
  const head = asked.method === 'HEAD';
  expect(entries).toHaveLength(1);
  const [entry] = entries as [LogEntry];

  expect(headers).toMatchObject(commonHeaders);
  expect(headers).not.toHaveProperty('set-cookie');
  for (const value of [...Object.values(headers), ...cookies]) expect(value).toMatch(visible);
  const names = cookies.map((cookie) => cookie.split('=', 1)[0]);
  expect(new Set(names).size).toBe(names.length);
  for (const cookie of cookies)
    expect(cookie).toMatch(
      /^(__Host-)?(login-[\w-]{12}=[\w.-]*|__session=[\w.~-]*); Path=[^;]*\/(auth)?; Max-Age=\d+; HttpOnly; SameSite=Lax(; Secure)?$|^__session=[\w.~-]*; Path=\/[^;]*; Max-Age=\d+; HttpOnly; SameSite=Lax(; Secure)?$/,
    );
  expect(exchanges.length).toBeLessThanOrEqual(1);

  expect([200, 204, 302, 400, 403, 404, 405, 414, 500, 502, 504]).toContain(status);
  if (entry.outcome === 'failed') {
    const { status: own } = errors[entry.code as ErrorCode];
    expect(entry.code).not.toBe('INTERNAL');
    expect(status).toBe(own);
    expect(entry.message).toBeTruthy();
  } else expect(status).toBeLessThan(400);

  const type = headers['content-type'];
  if (type === 'application/json; charset=utf-8') expectJson(entry, reply, head);
  else if (type === undefined) expect(body).toBe('');
  else if (!head) expectPage(entry, reply);
  if (status === 302) expect(new URL(headers['location'] ?? '').search).toContain('response_type=code');
  expectCors(entry, asked, reply);
  if (entry.outcome === 'ok' && /begin|proceed|finish/.test(entry.event) && !head) {
    expect(asked.headers['sec-fetch-dest']?.trim() ?? 'document').toBe('document');
    expect(asked.headers['sec-purpose'] ?? '').not.toContain('prefetch');
  }

  // Nothing that a stranger sends comes back but a token, and a token only as a result.
  const result = status === 200 && exchanges.length === 1;
  const written = JSON.stringify([headers, cookies]) + (result ? withoutResult(body) : body);
  expect(written).not.toMatch(planted);
  expect(body).not.toContain(`${canary}secret`);
  expect(body).not.toContain(`${canary}code`);
  for (const secret of secrets) expect(body).not.toContain(secret);

  expectLog(entry, secrets);
  return entry;
}

/** The result that a page or an answer holds; empty where it holds none. */
export function readResult(reply: Reply): Record<string, string> {
  const { body, headers } = reply;
  if (headers['content-type']?.startsWith('application/json')) return JSON.parse(body) as Record<string, string>;
  const text = popupResultOf(reply)?.message ?? '';
  return !text.includes(':success:') ? {} : (JSON.parse(text.slice(text.indexOf('{'))) as Record<string, string>);
}

const withoutResult = (body: string): string =>
  body.startsWith('{')
    ? ''
    : body.replace(/(<script type="application\/json" id="hand-over">).*?(?=<\/script>)/s, '$1');

/** The tags that we write, with what may stand in them: nothing that runs, loads or sends. */
const tag =
  /^<(!doctype html|\/?(html|meta|title|style|script|main|div|section|h[1-3]|p|pre|ul|ol|li|code|a|button|span|strong|em|details|summary|dl|dt|dd|noscript|template)( (lang|charset|name|content|class|id|role|type|hidden|tabindex|open|href|data-[a-z]+|aria-[a-z]+)(="(?!javascript:)[^"'<>\\]*")?)*)>$/;

/** The one thing that a page of ours shows besides text; it is in the page itself. */
const icon = /^<link rel="icon" href="data:image\/svg\+xml,[\w.!~*'()%-]+">$/m;

function expectPage(entry: LogEntry, { headers, body }: Reply): void {
  expect(headers['content-type']).toBe('text/html; charset=utf-8');
  // What runs is what the policy names by its hash, and nothing else.
  const policy = headers['content-security-policy'] ?? '';
  const [, source] = /<script>(.*?)<\/script>/s.exec(body) ?? [];
  const script = source === undefined ? '' : `script-src '${hash(source)}'; `;
  const styles = [...body.matchAll(/<style>(.*?)<\/style>/gs)].map(([, style]) => `'${hash(style)}'`);
  expect(policy).toBe(
    `default-src 'none'; ${script}style-src ${styles.join(' ')}; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  );
  const markup = body.replace(icon, '').replace(/<(style|script)\b([^>]*)>.*?<\/\1>/gs, '<$1$2></$1>');
  for (const [found] of markup.matchAll(/<[^>]*>?/g)) expect(found).toMatch(tag);
  expect(markup.replace(/<[^>]*>/g, '')).not.toMatch(/["'>\u2028\u2029]|&(?!#\d+;)/);
  expect(markup).not.toMatch(new RegExp(`[<>"'&]${ownersMark}`, 'i'));
  if (entry.outcome === 'failed') expect(body).toContain(`Code: ${entry.code}<`);

  const opening = popupGreetingOf({ body });
  const popupResult = popupResultOf({ body });
  if (!opening && !popupResult) return;
  expect(opening && popupResult).toBeUndefined();
  expect(/<script type="application\/json" id="[a-z-]+">(.*?)<\/script>/s.exec(body)?.[1]).not.toMatch(
    /[<>&\r\n\u2028\u2029]/,
  );
  const [, name] = /^authorizing:([a-z][a-z0-9-]{0,30})$/.exec((opening ?? popupResult)?.greeting ?? '') ?? [];
  expect(name).toBeDefined();
  if (opening) {
    expect([entry.event, entry.outcome]).toEqual(['begin', 'ok']);
    expect(opening.next).toMatch(/^https?:\/\/[^?#]+\/auth\/[a-z]+\/begin\?[^#]*&?origin=$/);
  }
  if (!popupResult) return;
  // One message, and one address or none.
  const [, kind, json = ''] = /^authorization:[a-z][a-z0-9-]*:(success|error):(.*)$/.exec(popupResult.message) ?? [];
  expect(popupResult.message.startsWith(`authorization:${name}:`)).toBe(true);
  expect(kind).toBe(entry.outcome === 'failed' ? 'error' : 'success');
  const message = JSON.parse(json) as Record<string, unknown>;
  if (kind === 'error') expect(message['errorCode']).toBe(entry.code);
  else expect(popupResult.origin).toMatch(/^https?:/);
  if (kind === 'success' && popupResult.origin === preview) expect(Object.keys(message)).toEqual(['token', 'provider']);
}

function expectJson({ event, outcome, code, message }: LogEntry, { status, body }: Reply, head: boolean): void {
  expect(event).toBe('refresh');
  if (head) return expect(body).toBe('');
  const value = JSON.parse(body) as Record<string, unknown>;
  if (outcome === 'failed') expect(value).toEqual({ error: code, error_description: message, message });
  else expect([status, Object.keys(value).at(1)]).toEqual([200, 'refresh_token']);
}

/** To listed origins, at the refresh endpoints, and nowhere else. */
function expectCors({ event, code }: LogEntry, { headers: { origin } }: Asked, { headers }: Reply): void {
  const allowed = headers['access-control-allow-origin'];
  if (event !== 'refresh') return expect(allowed).toBeUndefined();
  if (allowed !== undefined) {
    expect(allowed).toBe(origin);
    expect(code).not.toBe('ORIGIN_NOT_LISTED');
  } else if (code !== undefined) expect(code).toMatch(/^(ORIGIN_NOT_LISTED|(SETTING|PARAMETER)_\w+)$/);
  expect(headers).not.toHaveProperty('access-control-allow-credentials');
}

export const isListed = (origin: string): boolean => {
  const parsed = parseOrigins(origins);
  return 'list' in parsed && matchOrigin(parsed.list, origin) !== undefined;
};

const fields = new Set(['event', 'provider', 'outcome', 'code', 'message', 'warning', 'duration', 'request']);

function expectLog(entry: LogEntry, secrets: string[]): void {
  const line = JSON.stringify(entry);
  for (const field of Object.keys(entry)) expect(fields).toContain(field);
  expect(line).not.toMatch(planted);
  for (const secret of secrets) expect(line).not.toContain(secret);
}

const hashes = new Map<string, string>();

function hash(text = ''): string {
  const known = hashes.get(text) ?? `sha256-${createHash('sha256').update(text).digest('base64')}`;
  hashes.set(text, known);
  return known;
}
