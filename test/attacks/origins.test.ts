/** Near misses of the allow-list, refused at start or at match; and the page's script refuses the same as the server. */
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { matchOrigin, parseOrigins, type OriginList } from '../../lib/web/origins.ts';
import script from '../../lib/hop/popup.client.ts?inline';
import type { HandOver } from '../../lib/hop/errand.ts';
import { attack } from './attack.ts';

/** What an owner might write, or be talked into writing. */
const entries = {
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
    'https://www.example.com/',
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

/** What the popup's own script, as it is served, posts to an opener of this origin, and to whom. */
function posted(origins: OriginList, origin: string): unknown[] {
  const greeting = 'authorizing:github';
  const handOver: HandOver = { greeting, origins, results: { exact: 'exact', pattern: 'pattern', other: 'other' } };
  const posts: unknown[] = [];
  const opener = { postMessage: (...post: unknown[]) => void posts.push(post) };
  const template = { content: { cloneNode: () => ({ querySelectorAll: () => [] }) } };
  let receive: (event: unknown) => void = () => {};
  runInNewContext(script.text, {
    window: { opener },
    document: {
      getElementById: (id: string) =>
        id === 'hand-over' ? { textContent: JSON.stringify(handOver), remove() {} } : template,
      querySelector: () => null,
    },
    history: { replaceState() {} },
    location: { pathname: '/' },
    addEventListener: (_: string, listener: typeof receive) => (receive = listener),
    removeEventListener() {},
    setTimeout() {},
  });
  receive({ source: opener, data: greeting, origin });
  expect(posts.shift()).toEqual([greeting, '*']);
  return posts;
}

describe('P3, P4 an entry that lists strangers is refused at start', () => {
  it.each(rows(entries))('%s: %j', (_, entry) => {
    expect(parseOrigins(entry)).toEqual({ problem: expect.any(String) });
    expect(parseOrigins(`https://www.example.com, ${entry}`)).toEqual({ problem: expect.any(String) });
  });
});

describe('P3, P4 a near miss of a listed origin is not listed, for the server and for the page', () => {
  it.each(rows(origins))('%s: %j', (_, origin) => {
    expect(matchOrigin(parsed.list, origin)).toBeUndefined();
    expect(posted(parsed.list, origin)).toEqual(origin === 'null' ? [] : [['other', origin]]);
  });
});

describe('P3, P4 server and page', () => {
  attack('list the same, and in the same way', () => {
    for (const [way, origin] of rows(listed)) {
      expect(matchOrigin(parsed.list, origin)).toBe(way);
      expect(posted(parsed.list, origin)).toEqual([[way, origin]]);
    }
    const all = [rows(entries), rows(origins)].map(({ length }) => length);
    expect(Math.min(...all)).toBeGreaterThan(60);
    return `${all[0]} entries and ${all[1]} origins refused, ${rows(listed).length} listed`;
  });
});
