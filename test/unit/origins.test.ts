import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { matchOrigin, parseOrigins, type OriginList } from '../../lib/http/origins.ts';

function listOf(text: string): OriginList {
  const parsed = parseOrigins(text);
  if ('problem' in parsed) throw new Error(parsed.problem);
  return parsed.list;
}

const site = 'https://www.example.com';
const preview = 'https://deploy-preview-*--site.netlify.app';

describe('An entry that is no origin or lists strangers is refused at start:', () => {
  it.each([
    // spelling
    ['www.example.com'],
    ['//www.example.com'],
    ['https:www.example.com'],
    ['https:/www.example.com'],
    ['https:\\\\www.example.com'],
    ['https://'],
    ['https://www.example.com//'],
    ['https://www.example.com/admin'],
    ['https://www.example.com?'],
    ['https://www.example.com?a=b'],
    ['https://www.example.com#'],
    ['https://www.example.com#a'],
    ['https://www.example.com:443'],
    ['https://www.example.com:'],
    ['https://www.example.com:08443'],
    ['https://www.example.com:99999'],
    ['HTTPS://www.example.com'],
    ['https://WWW.example.com'],
    ['https://www.exa mple.com'],
    ['https://www.exa\nmple.com'],
    ['https://www.exa\tmple.com'],
    ['https://user@www.example.com'],
    ['https://user:password@www.example.com'],
    ['https://@www.example.com'],
    ['https://www%2eexample.com'],
    ['https://b\u00fccher.example'],
    ['https://www\u3002example.com'],
    ['https://www.\uff45xample.com'],
    ['https://www.exam\u00adple.com'],
    ['https://xn--a.example.com'],
    ['https://xn--a-.example'],
    ['https://xn--bcher-kva.xn--a.example'],
    ['https://xn--.example'],
    ['https://0x7f.1'],
    ['https://2130706433'],
    ['https://[0:0:0:0:0:0:0:1]'],
    // schemes
    ['null'],
    ['*'],
    ['about:blank'],
    ['data:text/html,x'],
    ['file:///etc/passwd'],
    ['javascript:alert(1)'],
    ['blob:https://www.example.com'],
    ['ftp://www.example.com'],
    ['ws://www.example.com'],
    ['wss://www.example.com'],
    ['http://www.example.com'],
    ['http://127.0.0.2'],
    ['http://0.0.0.0:8080'],
    ['http://localhost.'],
    ['http://localhost.example.com'],
    ['http://LOCALHOST'],
    // stars
    ['https://*'],
    ['https://*.netlify.app'],
    ['https://mysite-*.netlify.app'],
    ['https://*-mysite.netlify.app'],
    ['https://my*site.netlify.app'],
    ['https://my--si*te.netlify.app'],
    ['https://**--site.netlify.app'],
    ['https://*--*.netlify.app'],
    ['https://*--site.*.app'],
    ['https://site.*--x.netlify.app'],
    ['https://www.example.*'],
    ['https://a--b.*--c.app'],
    ['http://*--site.netlify.app'],
    ['http://*--localhost'],
    ['*--site.netlify.app'],
    ['*://a--b.netlify.app'],
    ['http*://a--b.netlify.app'],
    ['https://*--site.netlify.app//'],
    ['https://*--site.netlify.app/admin'],
    ['https://*--Site.netlify.app'],
    ['https://*--site.netlify.app:443'],
    ['https://user--*@www.example.com'],
    ['https://www.example.com/--*'],
    ['https://a--b.example.com:*'],
    ['https://*--site.netlify.app?a'],
    ['https://*\u2013site.netlify.app'],
    ['https://xn--*.netlify.app'],
    ['https://xn--*.example.com'],
    ['https://[::1--*]'],
    // lists
    ['https://www.example.com,,https://a.example.com'],
    [',https://www.example.com'],
    ['https://www.example.com https://a.example.com'],
    ['https://www.example.com;https://a.example.com'],
    ['https://www.example.com\nhttps://a.example.com'],
    ['https://a.example.com, https://*.example.com'],
    // one origin for the pages of everybody
    ...[
      's3.amazonaws.com',
      's3.eu-west-1.amazonaws.com',
      's3-eu-west-1.amazonaws.com',
      's3.dualstack.eu-west-1.amazonaws.com',
      's3-accelerate.amazonaws.com',
      's3.cn-north-1.amazonaws.com.cn',
      's3.amazonaws.com.',
      's3.amazonaws.com:8443',
      's3.wasabisys.com',
      's3.eu-central-1.wasabisys.com',
      's3.us-west-004.backblazeb2.com',
      'f003.backblazeb2.com',
      's3.fr-par.scw.cloud',
      'storage.googleapis.com',
      'firebasestorage.googleapis.com',
      'storage.cloud.google.com',
      'sites.google.com',
      'fra1.digitaloceanspaces.com',
      'us-east-1.linodeobjects.com',
      'objectstorage.eu-frankfurt-1.oraclecloud.com',
      'storage.yandexcloud.net',
      'raw.githack.com',
      'htmlpreview.github.io',
      'cdn.jsdelivr.net',
      'unpkg.com',
      'ipfs.io',
      'web.archive.org',
    ].map((host) => [`https://${host}`]),
  ])('%j', (entry) => {
    expect(parseOrigins(entry)).toEqual({ problem: expect.any(String) });
  });
});

describe('An entry of one owner is taken, though its neighbours are refused:', () => {
  it.each([
    'https://my-bucket.s3.amazonaws.com',
    'https://my-bucket.s3.eu-west-1.amazonaws.com',
    'https://my-bucket.s3-website-eu-west-1.amazonaws.com',
    'https://my-site.fra1.digitaloceanspaces.com',
    'https://d111111abcdef8.cloudfront.net',
    'https://owner.github.io',
    'https://s3.example.com',
    'https://storage.example.com',
    'https://s3amazonaws.com.example.com',
  ])('%s', (entry) => {
    expect(listOf(entry).exact).toEqual([entry]);
  });
});

describe('A refusal', () => {
  it('names the entry by its position', () => {
    expect(parseOrigins(`${site}, ${preview}, nonsense`)).toEqual({ problem: expect.stringContaining('entry 3 ') });
  });

  it.each([
    'https://secret-intranet.example.com/admin/',
    '"https://secret-intranet.example.com"',
    'https://secret-intranet.example.com; https://www.example.com',
    'http://secret-intranet.example.com',
    'https://*.secret-intranet.example.com',
    'http://*--secret-intranet.example.com',
    'https://a.*--secret-intranet.example.com',
    'secret-intranet',
  ])('does not show the text of the entry: %s', (entry) => {
    const parsed = parseOrigins(entry);
    expect(parsed).toHaveProperty('problem');
    expect(JSON.stringify(parsed)).not.toContain('secret-intranet');
  });

  it.each([
    ['https://www.example.com/', ['https://www.example.com']],
    ['https://www.example.com/, https://two.example.com/', ['https://www.example.com', 'https://two.example.com']],
    ['http://localhost:3000/', ['http://localhost:3000']],
  ])('takes the slash that an address bar puts at the end: %s', (text, exact) => {
    expect(parseOrigins(text)).toEqual({ list: { exact, patterns: [] } });
  });

  it('takes it behind a star, too', () => {
    expect(parseOrigins('https://deploy-preview-*--site.netlify.app/')).toEqual(
      parseOrigins('https://deploy-preview-*--site.netlify.app'),
    );
  });

  it.each([
    ['https://www.example.com/admin/', 'has a path'],
    ['https://www.example.com/#/', 'has a path'],
    ['https://deploy-preview-*--site.netlify.app/admin/', 'has a path'],
    ['"https://www.example.com"', 'quotation mark'],
    ["https://a.example.com, 'https://www.example.com'", 'quotation mark'],
    ['https://a.example.com; https://b.example.com', 'put only commas between'],
    ['https://a.example.com;', 'put only commas between'],
    ['https://a.example.com,/', 'entry 2 is not the address of a site'],
    ['https://a.example.com https://b.example.com', 'put only commas between'],
    ['https://a.example.com\nhttps://b.example.com', 'put only commas between'],
  ])('says what is wrong with %j', (text, words) => {
    expect(parseOrigins(text)).toHaveProperty('problem', expect.stringContaining(words));
  });
});

describe('A near miss of a listed origin is not listed:', () => {
  const list = listOf(`${site}, https://xn--bcher-kva.example, https://admin.example.com:8443, http://localhost:3000`);
  it.each([
    [''],
    ['null'],
    ['undefined'],
    ['*'],
    ['http://www.example.com'],
    ['https://www.example.com/'],
    ['https://www.example.com.'],
    ['https://www.example.com:443'],
    ['https://www.example.com:8443'],
    ['https://www.example.com:'],
    ['https://WWW.example.com'],
    ['HTTPS://www.example.com'],
    [' https://www.example.com'],
    ['https://www.example.com '],
    ['https://www.example.com\n'],
    ['\nhttps://www.example.com'],
    ['https://www.example.com\0'],
    ['https://www.example.com.evil.example'],
    ['https://www.example.com@evil.example'],
    ['https://www.example.comevil'],
    ['https://evil.example?https://www.example.com'],
    ['https://evilwww.example.com'],
    ['https://a.www.example.com'],
    ['https://example.com'],
    ['https://www.example.co'],
    ['https://wwwxexample.com'],
    ['https://user@www.example.com'],
    ['https://www\u3002example.com'],
    ['https://www.\uff45xample.com'],
    ['https://www.exampl\u0435.com'],
    ['https://b\u00fccher.example'],
    ['https://XN--BCHER-KVA.example'],
    ['https://admin.example.com'],
    ['https://admin.example.com:844'],
    ['https://admin.example.com:08443'],
    ['http://localhost'],
    ['http://localhost:3001'],
    ['http://127.0.0.1:3000'],
    ['https://localhost:3000'],
  ])('%j', (origin) => {
    expect(matchOrigin(list, origin)).toBeUndefined();
  });
});

describe('A near miss of a pattern is not listed:', () => {
  const list = listOf(`${preview}, https://mysite--*.web.app`);
  it.each([
    [preview],
    ['https://deploy-preview---site.netlify.app'],
    ['https://deploy-preview-----site.netlify.app'],
    ['https://deploy-preview--1--site.netlify.app'],
    ['https://deploy-preview-1---site.netlify.app'],
    ['https://deploy-preview-1--2--site.netlify.app'],
    ['https://deploy-preview-evil--x--site.netlify.app'],
    ['https://deploy-preview-a.b--site.netlify.app'],
    ['https://deploy-preview-1.evil.example--site.netlify.app'],
    ['https://deploy-preview-evil.example/--site.netlify.app'],
    ['https://deploy-preview-x@evil--site.netlify.app'],
    ['https://deploy-preview-x:1--site.netlify.app'],
    ['https://deploy-preview-A--site.netlify.app'],
    ['https://deploy-preview-\u00e4--site.netlify.app'],
    ['https://deploy-preview-1_2--site.netlify.app'],
    ['https://deploy-preview-1%2e--site.netlify.app'],
    ['https://deploy-preview-1\u30022--site.netlify.app'],
    ['https://deploy-preview-1\n--site.netlify.app'],
    ['https://deploy-preview-1--site.netlify.app\n'],
    ['https://evil.example\nhttps://deploy-preview-1--site.netlify.app'],
    ['https://deploy-preview-1--site.netlify.app.'],
    ['https://deploy-preview-1--site.netlify.app/'],
    ['https://deploy-preview-1--site.netlify.app:443'],
    ['https://deploy-preview-1--site.netlify.app:8443'],
    ['https://deploy-preview-1--site.netlify.app.evil.example'],
    ['https://deploy-preview-1--sitexnetlify.app'],
    ['https://deploy-preview-1--site.netlifyxapp'],
    ['https://deploy-preview-1--site-2.netlify.app'],
    ['https://deploy-preview-1--mysite.netlify.app'],
    ['https://xdeploy-preview-1--site.netlify.app'],
    ['http://deploy-preview-1--site.netlify.app'],
    ['https://site.netlify.app'],
    ['https://evil.netlify.app'],
    ['https://mysite--.web.app'],
    ['https://mysite---a.web.app'],
    ['https://mysite--a-.web.app'],
    ['https://mysite--a--b.web.app'],
    ['https://mysite--a.b.web.app'],
    ['https://mysite.web.app'],
  ])('%j', (origin) => {
    expect(matchOrigin(list, origin)).toBeUndefined();
  });
});

describe('A listed origin is told apart by how it is listed:', () => {
  it.each([
    'https://www.example.com',
    'https://www.example.com:8443',
    'https://xn--bcher-kva.example',
    'https://www.example.com.',
    'https://[::1]:8443',
    'https://203.0.113.7',
    'http://localhost',
    'http://localhost:3000',
    'http://127.0.0.1:8080',
    'http://[::1]:8080',
  ])('%s is exact', (origin) => {
    expect(matchOrigin(listOf(origin), origin)).toBe('exact');
  });

  it.each([
    [preview, 'https://deploy-preview-1--site.netlify.app'],
    [preview, 'https://deploy-preview-1-2-c--site.netlify.app'],
    ['https://*--site.netlify.app', 'https://main--site.netlify.app'],
    ['https://*--site.netlify.app', 'https://a-b--site.netlify.app'],
    ['https://mysite--*.web.app', 'https://mysite--pr12-a1b2c3.web.app'],
  ])('%s lists %s as a pattern', (pattern, origin) => {
    expect(matchOrigin(listOf(pattern), origin)).toBe('pattern');
  });

  it('exact wins where both would do', () => {
    const origin = 'https://main--site.netlify.app';
    expect(matchOrigin(listOf(`https://*--site.netlify.app, ${origin}`), origin)).toBe('exact');
  });

  it('spaces, newlines and a comma at the end do not matter', () => {
    const list = listOf(` ${site} ,\n\t${preview} ,\n`);
    expect(matchOrigin(list, site)).toBe('exact');
    expect(matchOrigin(list, 'https://deploy-preview-7--site.netlify.app')).toBe('pattern');
    expect(matchOrigin(list, '')).toBeUndefined();
  });
});

describe('Whatever the text,', () => {
  const unit = fc.constantFrom(
    'https://',
    'http://',
    '*',
    '--',
    '-',
    '.',
    'a',
    'netlify.app',
    'localhost',
    ':1',
    '/',
    ',',
    ' ',
    '\n',
    '@',
    '\u00e4',
    '$',
    '|',
    '(',
    ')',
    '[',
    '\\',
    'xn--',
  );

  it('an exact entry that is accepted is what a browser would call the origin, and https or loopback', () => {
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        const parsed = parseOrigins(text);
        if ('problem' in parsed) return;
        for (const origin of parsed.list.exact) {
          const url = new URL(origin);
          expect(url.origin).toBe(origin);
          expect(url.protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)).toBe(true);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('a pattern matches no origin with another host below its first label', () => {
    const label = fc.stringMatching(/^[a-z0-9.*@:/-]{1,20}$/);
    fc.assert(
      fc.property(label, fc.constantFrom('https', 'http'), (star, scheme) => {
        const origin = `${scheme}://${star}--site.netlify.app`;
        const expected = scheme === 'https' && /^[a-z0-9]+(-[a-z0-9]+)*$/.test(star) ? 'pattern' : undefined;
        expect(matchOrigin(listOf('https://*--site.netlify.app'), origin)).toBe(expected);
      }),
      { numRuns: 1000 },
    );
  });
});
