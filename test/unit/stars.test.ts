import { describe, expect, it } from 'vitest';
import { matchOrigin, parseOrigins } from '../../lib/http/origins.ts';

/** How a list treats an origin: as it is listed, or what is wrong with the list. */
function treat(list: string, origin: string): string | undefined {
  const parsed = parseOrigins(list);
  return 'problem' in parsed ? parsed.problem : matchOrigin(parsed.list, origin);
}

describe('A star is taken where what it can stand for is one owner’s:', () => {
  it.each([
    ['https://deploy-preview-*--site.netlify.app', 'https://deploy-preview-7--site.netlify.app'],
    ['https://*--my-site.netlify.app', 'https://main--my-site.netlify.app'],
    ['https://site--*.web.app', 'https://site--channel-ab12cd.web.app'],
    ['https://site--pr-1-x.web.app, https://site--*.firebaseapp.com', 'https://site--a-b.firebaseapp.com'],
    ['https://www.example.com, https://preview-*--site.example.com', 'https://preview-7--site.example.com'],
    ['https://preview-*--site.example.com, https://www.example.com', 'https://preview-7--site.example.com'],
    ['https://example.com, https://*--site.example.com:8443', 'https://main--site.example.com:8443'],
    ['https://example.com:8443, https://site--*.a.b.example.com', 'https://site--x.a.b.example.com'],
    ['https://www.example.co.uk, https://*--site.example.co.uk', 'https://a--site.example.co.uk'],
    ['https://site.github.io, https://*--x.site.github.io', 'https://a--x.site.github.io'],
    ['https://site.netlify.app, https://*--x.site.netlify.app', 'https://a--x.site.netlify.app'],
  ])('%s', (list, origin) => {
    expect(treat(list, origin)).toBe('pattern');
  });
});

describe('A star is refused where strangers have names, too:', () => {
  it.each([
    // the domains that were missing from a list of shared ones, and any that may come
    's3.amazonaws.com',
    'run.app',
    'a.run.app',
    'amplifyapp.com',
    'me.uk',
    'ltd.uk',
    'com.br',
    'vercel.app',
    'pages.dev',
    'github.io',
    'co.uk',
    'nip.io',
    'sslip.io',
    'ngrok-free.app',
    'on.fleek.co',
    'brand-new.example',
  ])('%s', (domain) => {
    for (const pattern of [`https://*--site.${domain}`, `https://site--*.${domain}`, `https://a-*--site.b.${domain}`])
      for (const list of [pattern, `https://www.example.org, ${pattern}`, `${pattern}, https://site.${domain}`])
        expect(treat(list, '')).toMatch(
          /^entry \d has a star below a domain where strangers may have names, too; list/,
        );
  });

  it.each([
    ['https://example.com', 'https://*--example.com'],
    ['https://www.com', 'https://*--example.com'],
    ['https://www.example.com', 'https://*--site.notexample.com'],
    ['https://www.example.com', 'https://*--site.example.com.evil.example'],
    ['https://cms.example.com', 'https://*--site.example.com'],
    ['https://www.www.example.com', 'https://*--site.example.com'],
    ['https://wwww.example.com', 'https://*--site.example.com'],
    ['https://www.example.com/admin', 'https://*--site.example.com'],
    ['http://www.example.com', 'https://*--site.example.com'],
    ['http://localhost:3000', 'https://*--site.localhost'],
    ['https://203.0.113.7', 'https://*--site.203.0.113.7'],
    ['https://*--site.example.com', 'https://*--other.example.com'],
  ])('what is listed, %s, does not cover %s', (exact, pattern) => {
    expect(treat(`${exact}, ${pattern}`, '')).toMatch(/^entry \d /);
    expect(treat(`${pattern}, ${exact}`, '')).toMatch(/^entry \d /);
  });
});

describe('A star for the name of a site is refused, whatever else is listed:', () => {
  it.each([
    'https://site--*.netlify.app',
    'https://deploy-preview-1--*.netlify.app',
    'https://*--site--.netlify.app',
    'https://*--site--x.netlify.app',
    'https://*--site.web.app',
    'https://*--site.firebaseapp.com',
    'https://a--b--*.web.app',
    'https://--*.netlify.app',
    'https://*--.netlify.app',
    'https://*--.web.app',
  ])('%s', (pattern) => {
    for (const exact of ['https://www.netlify.app', 'https://netlify.app', 'https://www.web.app', 'https://web.app'])
      expect(treat(`${exact}, ${pattern}`, '')).toMatch(/^entry 2 /);
    expect(treat(pattern, '')).toMatch(/^entry 1 /);
  });
});

describe('A star in a code for an international name is refused on every version of Node:', () => {
  it.each([
    'https://xn--*.web.app',
    'https://xn--*.firebaseapp.com',
    'https://xn--*--site.netlify.app',
    'https://xn--a--*.example.com',
  ])('%s', (pattern) => {
    expect(treat(`https://example.com, ${pattern}`, '')).toMatch(/^entry 2 has a star in a name that begins with xn--/);
  });
});

describe('What is refused says what to write', () => {
  it.each([
    [
      'https://*--site.vercel.app',
      /list your own site there without a star as well, such as https:\/\/www\.example\.com/,
    ],
    [
      'https://site--*.netlify.app',
      /write https:\/\/deploy-preview-\*--site\.netlify\.app or https:\/\/site--\*\.web\.app/,
    ],
    ['https://*.netlify.app', /write https:\/\/deploy-preview-\*--site\.netlify\.app/],
  ])('%s', (pattern, words) => {
    expect(treat(pattern, '')).toMatch(words);
  });
});
