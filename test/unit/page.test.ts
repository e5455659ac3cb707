import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { Failure, webErrors } from '../../lib/http/errors.ts';
import { hostErrors } from '../../lib/oauth/errors.ts';
import { ownerPage } from '../../lib/http/owner-page.ts';
import { html, Html, page, safeJson } from '../../lib/http/page.ts';
import { failurePage, greetingPage, successPage } from '../../lib/handler/popup.ts';
import { loginErrors } from '../../lib/login/errors.ts';
import { popupResultOf, popupGreetingOf } from '../popup.ts';

const nasty = `</script><!--<script>]]>&amp;"'\`\u2028\u2029\0`;
const anything = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({
    unit: fc.constantFrom('<', '>', '&', '"', "'", '/', '!', '-', 'script', '\u2028', '\u2029', '\\', '\n', 'a'),
  }),
);

/** What a browser makes of escaped text: the only character references that we write are decimal ones. */
const unescape = (text: string) => text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));

describe('JSON for a script element', () => {
  it('cannot end the element, begin a comment or break a line', () => {
    const json = safeJson({ [nasty]: [nasty] });
    expect(json).not.toMatch(/[<>&\n\r\u2028\u2029]/);
    expect(JSON.parse(json)).toEqual({ [nasty]: [nasty] });
  });

  it('is on one line, without these characters and says the same, whatever the value', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), anything), (value) => {
        const json = safeJson(value);
        expect(json).not.toMatch(/[<>&\n\r\u2028\u2029]/);
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});

describe('HTML', () => {
  it('escapes strings in text and in attributes of both kinds of quotes', () => {
    const text = html`<p title="${nasty}" lang='${nasty}'>${nasty}</p>`.text;
    expect(text.match(/[<>]/g)).toHaveLength(4);
    expect(text.match(/["']/g)).toHaveLength(4);
    expect(unescape(text)).toBe(`<p title="${nasty}" lang='${nasty}'>${nasty}</p>`);
  });

  it('keeps every string in its place, whatever it is', () => {
    fc.assert(
      fc.property(anything, (value) => {
        const escaped = html`${value}`.text;
        expect(escaped).not.toMatch(/[<>"']|&(?!#\d+;)/);
        expect(unescape(escaped)).toBe(value);
      }),
    );
  });

  it('leaves HTML as it is and leaves nothing behind for what is absent', () => {
    expect(html`a${new Html('<b>')}${[html`<i>`, html`${'<'}`]}${false}${undefined}z`.text).toBe('a<b><i>&#60;z');
  });
});

function parts(text: string) {
  const styles = [...text.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, style = '']) => style);
  const script = /<script>([\s\S]*?)<\/script>/.exec(text)?.[1];
  return { styles, script };
}
const hash = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

const provider = 'github';
const origin = 'https://www.example.com';
const pages = {
  'a page for people': page(200, { title: 'x', body: html`<p>x</p>` }),
  'a page for owners': ownerPage(200, { title: 'x', body: html`<p>x</p>` }),
  'a beginning': greetingPage({ provider, next: '/auth/github/begin?origin=', ownOrigin: 'https://auth.example.com' }),
  'a success': successPage({ provider, result: { token: 'gho_1' }, origin, ownOrigin: 'https://auth.example.com' }),
  'a refusal': failurePage({ provider, error: new Failure(loginErrors.UNSUPPORTED_DOMAIN), origin }),
  'a failure that is announced': failurePage({ provider, error: new Failure(webErrors.INTERNAL) }),
  'a failure that is not': failurePage({ provider: undefined, error: new Failure(webErrors.INTERNAL) }),
};

describe.each(Object.entries(pages))('The page of %s', (name, reply) => {
  const policy = new Map(
    (reply.headers['content-security-policy'] ?? '').split('; ').map((directive) => {
      const [name = '', ...values] = directive.split(' ');
      return [name, values.join(' ')];
    }),
  );
  const { styles, script } = parts(reply.body);

  it('allows nothing but its own style and script, by the hash of what really is in it, and a picture in itself', () => {
    expect(styles).toHaveLength(name === 'a page for owners' ? 2 : 1);
    expect(styles).not.toContain('');
    expect(Object.fromEntries(policy)).toEqual({
      'default-src': "'none'",
      'style-src': styles.map(hash).join(' '),
      'img-src': 'data:',
      'base-uri': "'none'",
      'form-action': "'none'",
      'frame-ancestors': "'none'",
      ...(script !== undefined && { 'script-src': hash(script) }),
    });
  });

  it('has no more scripts and styles than these, no attribute of either kind, and nothing to load', () => {
    expect(reply.body.match(/<style/g)).toHaveLength(styles.length);
    const running = reply.body.match(/<script(?! type="application\/json")/g) ?? [];
    expect(running).toHaveLength(script === undefined ? 0 : 1);
    const icon = /<link rel="icon" href="data:image\/svg\+xml,[^"]*">/;
    const markup = reply.body.replace(icon, '').replace(/<(style|script)[\s\S]*?<\/\1>/g, '');
    expect(markup).not.toMatch(/\s(style|on\w+|src|srcset)=|<(link|iframe|object|base)\b/i);
  });
});

describe('The popup page', () => {
  it('holds a script only where there is a CMS to tell', () => {
    for (const name of ['a beginning', 'a success', 'a refusal', 'a failure that is announced'] as const)
      expect(parts(pages[name].body).script).toBeDefined();
    expect(parts(pages['a failure that is not'].body).script).toBeUndefined();
    expect(popupResultOf(pages['a failure that is not'])).toBeUndefined();
  });

  it('begins with a greeting and with where to go on, and nothing to post', () => {
    expect(popupGreetingOf(pages['a beginning'])).toEqual({
      greeting: 'authorizing:github',
      next: '/auth/github/begin?origin=',
    });
    expect(popupResultOf(pages['a beginning'])).toBeUndefined();
    for (const [name, page] of Object.entries(pages))
      if (name !== 'a beginning') expect(popupGreetingOf(page)).toBeUndefined();
  });

  it('survives a token that would end the script, in one message that parses back', () => {
    const reply = successPage({ provider, result: { token: nasty }, origin, ownOrigin: 'https://auth.example.com' });
    const { message, ...rest } = popupResultOf(reply) ?? { message: '' };
    expect(rest).toEqual({ greeting: 'authorizing:github', origin });
    // Decap's own way of taking it apart, whose `.` stops at line ends of any kind.
    const [, answer = ''] = /^authorization:github:success:(.+)$/.exec(message) ?? [];
    expect(JSON.parse(answer)).toEqual({ token: nasty, provider });
  });

  it('names an origin that is refused as text, and only there', () => {
    const error = new Failure(loginErrors.UNSUPPORTED_DOMAIN);
    const refused = failurePage({ provider, error, origin: 'https://<b>.example' });
    expect(refused.body).toContain('data-state="refused"');
    expect(refused.body).toContain('https://&#60;b&#62;.example');
    expect(refused.body).not.toContain('<b>');
    expect(failurePage({ provider, error, origin: null }).body).toContain('data-state="failed"');
  });

  it.each([undefined, '', '__proto__', 'GitHub', 'a b', 'a:b', '1a', '-a', '<b>', 'a\n', 'a'.repeat(32)])(
    'announces nothing under the name %j',
    (name) => {
      expect(popupResultOf(failurePage({ provider: name, error: new Failure(webErrors.INTERNAL) }))).toBeUndefined();
    },
  );

  it.each(['github', 'constructor', 'a', 'git-gateway', 'a'.repeat(31)])(
    'announces a failure under the name %s',
    (name) => {
      const error = new Failure(hostErrors.ACCESS_DENIED, { host: 'GitHub' });
      const message = `authorization:${name}:error:${safeJson({ provider: name, message: error.message, error: error.message, errorCode: 'ACCESS_DENIED' })}`;
      const greeting = `authorizing:${name}`;
      expect(popupResultOf(failurePage({ provider: name, error }))).toEqual({ greeting, message });
      for (const heard of [origin, null])
        expect(popupResultOf(failurePage({ provider: name, error, origin: heard }))).toEqual({
          greeting,
          message,
          origin: heard,
        });
    },
  );
});
