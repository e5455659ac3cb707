/** Near misses of the allow-list, refused at start or at match; and what the page's script does with the opener's origin. */
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createHandler } from '../../lib/login/handler.ts';
import { github } from '../../lib/providers/github.ts';
import { isOrigin, matchOrigin, parseOrigins } from '../../lib/http/origins.ts';
import script from '../../lib/handler/popup.client.ts?inline';
import { codeOf, popupResultOf, nextOf } from '../popup.ts';
import type { PopupMessage } from '../../lib/handler/message.ts';
import type { TextReply } from '../../lib/http/http.ts';
import { attack } from './attack.ts';

/** What an owner might write, or be talked into writing. */
const entries = {
  'an origin that strangers share, each below a path': [
    'https://s3.amazonaws.com',
    'https://s3.eu-west-1.amazonaws.com',
    'https://storage.googleapis.com',
    'https://raw.githack.com',
  ],
  scheme: [
    'http://www.example.com',
    'ftp://www.example.com',
    'www.example.com',
    '//www.example.com',
    'ws://www.example.com',
  ],
  'scheme that runs': [
    'javascript:alert(1)',
    'data:text/html,x',
    'file:///',
    'about:blank',
    'blob:https://www.example.com',
  ],
  'no origin at all': ['null', '*', 'https://', 'https:www.example.com', 'undefined'],
  path: [
    // One slash at the end is what an address bar gives, and is taken for the origin. Nothing else is.
    'https://www.example.com//',
    'https://www.example.com/.',
    'https://www.example.com/admin',
    'https://www.example.com?',
    'https://www.example.com#x',
  ],
  port: [
    'https://www.example.com:443',
    'https://www.example.com:',
    'https://www.example.com:99999',
    'http://localhost:80',
  ],
  case: ['HTTPS://www.example.com', 'https://WWW.example.com', 'https://*--Site.netlify.app'],
  'user information': ['https://www.example.com@evil.example', 'https://x@www.example.com', 'https://@www.example.com'],
  'international name': [
    'https://b\u00fccher.example',
    'https://xn--a.example',
    'https://www.exampl\u0435.com',
    'https://\uff57ww.example.com',
  ],
  'unicode dot or hyphen': [
    'https://www\u3002example.com',
    'https://www\uff0eexample.com',
    'https://*\u2013site.netlify.app',
  ],
  'what cannot be seen': [
    'https://www.exa\nmple.com',
    'https://www.exam\u00adple.com',
    'https://www.example\u200b.com',
    'https://www.\texample.com',
  ],
  number: ['https://2130706433', 'https://0x7f.1', 'https://[0:0:0:0:0:0:0:1]', 'http://127.1'],
  'loopback that is none': ['http://localhost.example.com', 'http://127.0.0.2', 'http://localhost.', 'http://[::2]'],
  'star on a domain that others share': [
    'https://*--site.vercel.app',
    'https://*--site.pages.dev',
    'https://*--site.github.io',
    'https://*--example.co.uk',
    'https://*--site.web.app',
    'https://*--site.firebaseapp.com',
  ],
  'bare star': ['https://*', 'https://*.netlify.app', 'https://*.example.com', 'https://*.*', '*://www.example.com'],
  'star without "--"': [
    'https://mysite-*.netlify.app',
    'https://*-mysite.netlify.app',
    'https://*mysite.netlify.app',
    'https://mysite*.netlify.app',
  ],
  'two stars': [
    'https://**--site.netlify.app',
    'https://*--*.netlify.app',
    'https://*--site.*.app',
    'https://*--site.*',
  ],
  'star in the wrong place': [
    'https://www.*--site.netlify.app',
    'https://*--site.netlify.app/*',
    'https://*--x:1@example.com',
    'https://a--b.example.com:*',
  ],
  'star for the name of a site': [
    'https://site--*.netlify.app',
    'https://*--',
    'https://*--.netlify.app',
    'https://--*.netlify.app',
  ],
  'star for a registered name': ['https://*--example.com', 'https://*--com', 'https://example--*.com'],
  'trailing dot or port that hides such a star': [
    'https://*--example.com.',
    'https://site--*.netlify.app.',
    'https://site--*.netlify.app:8443',
  ],
  'star with http': ['http://*--site.netlify.app', 'http://*--localhost'],
  'star in punycode': ['https://xn--*.example.com', 'https://xn--*.netlify.app'],
  'two in one': [
    'https://www.example.com https://evil.example',
    'https://www.example.com;https://evil.example',
    'https://www.example.com\nhttps://evil.example',
    ',https://www.example.com',
  ],
};

const list = [
  'https://www.example.com',
  'https://xn--bcher-kva.example',
  'https://admin.example.com:8443',
  'http://localhost:3000',
  'https://deploy-preview-*--site.netlify.app',
  'https://mysite--*.web.app',
].join(', ');

/** What a browser might say that it is, or what somebody without a browser might. */
const origins = {
  scheme: [
    'http://www.example.com',
    'ftp://www.example.com',
    'wss://www.example.com',
    'http://deploy-preview-1--site.netlify.app',
  ],
  'opaque or none': ['null', '', 'undefined', 'about:blank', 'file://', '*'],
  port: [
    'https://www.example.com:443',
    'https://www.example.com:8443',
    'https://admin.example.com',
    'https://admin.example.com:844',
    'https://admin.example.com:84430',
    'http://localhost',
    'http://localhost:3001',
    'https://localhost:3000',
    'https://deploy-preview-1--site.netlify.app:8443',
  ],
  case: ['https://WWW.example.com', 'HTTPS://www.example.com', 'https://deploy-preview-A--site.netlify.app'],
  'trailing dot': ['https://www.example.com.', 'https://deploy-preview-1--site.netlify.app.'],
  path: ['https://www.example.com/', 'https://www.example.com#', 'https://deploy-preview-1--site.netlify.app/'],
  suffix: [
    'https://www.example.com.evil.example',
    'https://www.example.comevil',
    'https://deploy-preview-1--site.netlify.app.evil.example',
    'https://www.example.community',
  ],
  prefix: [
    'https://evilwww.example.com',
    'https://evil.www.example.com',
    'https://example.com',
    'https://xdeploy-preview-1--site.netlify.app',
    'https://evil.example/https://www.example.com',
  ],
  'user information': [
    'https://www.example.com@evil.example',
    'https://user@www.example.com',
    'https://deploy-preview-x@evil--site.netlify.app',
  ],
  'regular expression': [
    'https://wwwxexample.com',
    'https://deploy-preview-1--sitexnetlify.app',
    'https://deploy-preview-*--site.netlify.app',
  ],
  'international name': [
    'https://b\u00fccher.example',
    'https://XN--BCHER-KVA.example',
    'https://www.exampl\u0435.com',
    'https://www.example.c\u043em',
  ],
  'unicode dot': [
    'https://www\u3002example.com',
    'https://deploy-preview-1\u3002x--site.netlify.app',
    'https://www.example\uff0ecom',
  ],
  newline: [
    'https://www.example.com\n',
    '\nhttps://www.example.com',
    'https://evil.example\nhttps://www.example.com',
    'https://evil.example\nhttps://deploy-preview-1--site.netlify.app',
    'https://deploy-preview-1--site.netlify.app\n',
    'https://deploy-preview-1\n--site.netlify.app',
  ],
  'what cannot be seen': [
    'https://www.example.com\0',
    ' https://www.example.com',
    'https://www.example.com\u200b',
    'https://www.example.com\u00a0',
  ],
  'two in one': [
    'https://www.example.com, https://evil.example',
    'https://www.example.com https://www.example.com',
    'https://evil.example,https://www.example.com',
  ],
  'star over a dot': [
    'https://deploy-preview-a.b--site.netlify.app',
    'https://deploy-preview-1.evil.example--site.netlify.app',
    'https://mysite--a.b.web.app',
  ],
  'star over nothing': [
    'https://deploy-preview---site.netlify.app',
    'https://mysite--.web.app',
    'https://mysite.web.app',
    'https://site.netlify.app',
  ],
  'star over another "--"': [
    'https://deploy-preview-1--x--site.netlify.app',
    'https://deploy-preview-1---site.netlify.app',
    'https://mysite--a--b.web.app',
    'https://deploy-preview---1--site.netlify.app',
  ],
  'star over what stands in no name': [
    'https://deploy-preview-1_2--site.netlify.app',
    'https://deploy-preview-1%2e--site.netlify.app',
    'https://deploy-preview-x/--site.netlify.app',
    'https://deploy-preview-x?--site.netlify.app',
    'https://deploy-preview-\u00e4--site.netlify.app',
    'https://deploy-preview-x:1--site.netlify.app',
  ],
  'another site': [
    'https://deploy-preview-1--site-2.netlify.app',
    'https://deploy-preview-1--mysite.netlify.app',
    'https://evil.netlify.app',
    'https://evil--a.web.app',
  ],
};

const listed = {
  exact: [
    'https://www.example.com',
    'https://xn--bcher-kva.example',
    'https://admin.example.com:8443',
    'http://localhost:3000',
  ],
  pattern: [
    'https://deploy-preview-7--site.netlify.app',
    'https://deploy-preview-a-1--site.netlify.app',
    'https://mysite--pr1-x.web.app',
  ],
} as const;

const parsed = parseOrigins(list);
if ('problem' in parsed) throw new Error(parsed.problem);
const rows = (table: Record<string, readonly string[]>) =>
  Object.entries(table).flatMap(([why, texts]) => texts.map((text) => [why, text] as const));

const env = { CMS_AUTH_URL: 'https://auth.example.com', CMS_AUTH_ORIGINS: list, GITHUB_CLIENT_ID: 'id' };
const handler = createHandler([github], { env, log: () => {} });
const ask = (path: string, query = '', cookie = '') =>
  handler({ method: 'GET', path, query, headers: cookie === '' ? {} : { cookie }, platform: {} }) as Promise<TextReply>;

/** What comes of a login that a page of this origin has begun. */
async function begun(origin: string): Promise<TextReply> {
  const opening = await ask('/auth/github');
  const { path, query } = nextOf(opening, origin);
  return ask(path, query, opening.cookies[0]?.split(';', 1)[0]);
}

/** What the popup's own script, as it is served, posts to an opener of this origin, to whom, and where it goes on to. */
function heard(popupMessage: PopupMessage, origin: string): { posts: unknown[]; gone: string | undefined } {
  const posts: unknown[] = [];
  let gone: string | undefined;
  const opener = { postMessage: (...post: unknown[]) => void posts.push(post), location: { origin } };
  const template = { content: { cloneNode: () => ({ querySelector: () => null }) } };
  let receive: (event: unknown) => void = () => {};
  runInNewContext(script.text, {
    window: { opener },
    document: {
      getElementById: () => template,
      querySelector: (selector: string) =>
        selector.startsWith('script') ? { textContent: JSON.stringify(popupMessage), remove() {} } : null,
    },
    history: { replaceState() {} },
    location: { pathname: '/', origin: 'https://auth.example.com', replace: (url: string) => (gone = url) },
    sessionStorage: { setItem() {}, getItem: () => null },
    addEventListener: (_: string, listener: typeof receive) => (receive = listener),
    removeEventListener: () => (receive = () => {}),
    setTimeout() {},
    clearTimeout() {},
  });
  // A second click on Login leaves a second listener in the CMS.
  for (let i = 0; i < 2; i++) receive({ source: opener, data: popupMessage.greeting, origin });
  return { posts, gone };
}

describe('P3, P4 an entry that lists strangers is refused at start', () => {
  it.each(rows(entries))('%s: %j', (_, entry) => {
    expect(parseOrigins(entry)).toEqual({ problem: expect.any(String) });
    expect(parseOrigins(`https://www.example.com, ${entry}`)).toEqual({ problem: expect.any(String) });
  });
});

describe('P3, P4 a near miss of a listed origin is not listed, and the host is asked nothing for it', () => {
  it.each(rows(origins))('%s: %j', async (_, origin) => {
    expect(matchOrigin(parsed.list, origin)).toBeUndefined();
    const { status, body, headers } = await begun(origin);
    expect(status).toBe(400);
    expect(headers).not.toHaveProperty('location');
    // Who can be told is told; the others are no origin that a browser would name.
    const code = isOrigin(origin) ? 'UNSUPPORTED_DOMAIN' : 'BAD_REQUEST';
    expect(codeOf({ body })).toBe(code);
    expect(popupResultOf({ body })?.origin).toBe(isOrigin(origin) ? origin : null);
  });
});

describe('P3, P4 the page', () => {
  const greeting = 'authorizing:github';
  const next = '/auth/github/begin?origin=';

  attack('takes to the server what the browser says of the opener, and nothing of it is lost or added', () => {
    const all = [...rows(origins), ...rows(listed)].map(([, origin]) => origin);
    for (const origin of all) {
      const { posts, gone } = heard({ greeting, next }, origin);
      expect(posts).toEqual([[greeting, '*']]);
      // An opaque origin is nobody: it cannot be told anything.
      expect(gone).toBe(origin === 'null' ? undefined : next + encodeURIComponent(origin));
    }
    return `${all.length} origins, each as it is`;
  });

  attack('posts its message to the one address that it holds, and asks nobody', () => {
    for (const [, origin] of [...rows(origins), ...rows(listed)]) {
      const { posts } = heard({ greeting, message: 'the-message', origin: 'https://www.example.com' }, origin);
      expect(posts).toEqual([['the-message', 'https://www.example.com']]);
    }
    return 'whoever the opener is by then, the browser compares';
  });

  attack('that knows nobody yet asks first, and tells the one who answers', () => {
    for (const [, origin] of [...rows(origins), ...rows(listed)])
      expect(heard({ greeting, message: 'the-failure' }, origin).posts).toEqual(
        origin === 'null'
          ? [[greeting, '*']]
          : [
              [greeting, '*'],
              ['the-failure', origin],
            ],
      );
    return 'in fixed words, since nothing else is on such a page';
  });
});

describe('P3, P4 server', () => {
  attack('lists what is listed, and in which way', async () => {
    for (const [way, origin] of rows(listed)) {
      expect(matchOrigin(parsed.list, origin)).toBe(way);
      expect((await begun(origin)).status).toBe(302);
    }
    const all = [rows(entries), rows(origins)].map(({ length }) => length);
    expect(Math.min(...all)).toBeGreaterThan(60);
    return `${all[0]} entries and ${all[1]} origins refused, ${rows(listed).length} listed`;
  });
});
