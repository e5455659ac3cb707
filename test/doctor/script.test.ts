import { describe, expect, it } from 'vitest';
import { computed, list, rest } from '../../lib/doctor/config.ts';
import { noScripts, readScript } from '../../lib/doctor/script.ts';

/** What a script hands to the CMS, as plain objects. */
function read(text: string) {
  const facts = noScripts();
  readScript(text, 'cms.js', facts);
  return facts;
}
const plain = (value: unknown): unknown =>
  value instanceof Map ? Object.fromEntries([...value].map(([key, { value: inner }]) => [key, plain(inner)])) : value;
const config = (text: string) => plain(read(text).inits[0]);

describe('A script that starts the CMS', () => {
  it.each<[string, string, unknown]>([
    [
      'says all',
      `CMS.init({ config: { backend: { name: 'github', repo: \`a/b\` } } })`,
      { backend: { name: 'github', repo: 'a/b' } },
    ],
    [
      'is bundled',
      'var e={backend:{name:"gitlab"},x:!0,y:!1,z:void 0};a.CMS.init({config:e})',
      { backend: { name: 'gitlab' }, x: true, y: false, z: null },
    ],
    [
      'is minified',
      '(0,n.default).init({config:JSON.parse(\'{"backend":{"name":"github"},"collections":[1]}\')})',
      { backend: { name: 'github' }, collections: list },
    ],
    [
      'imports',
      `import CMS from '@sveltia/cms'; const backend = { name: 'github' }; CMS.init({ config: { backend, media_folder: 'a' + '/b' } });`,
      { backend: { name: 'github' }, media_folder: 'a/b' },
    ],
    [
      'asks the environment',
      'NetlifyCmsApp.init({ config: { backend: { name: "github", base_url: import.meta.env.URL } } })',
      { backend: { name: 'github', base_url: computed } },
    ],
    [
      'spreads',
      'initCMS({ config: { ...base, backend: { ...{ name: "github" }, repo } } })',
      { [rest]: computed, backend: { name: 'github', repo: computed } },
    ],
    [
      'gives a name twice',
      'let a = "x"; a = "y"; CMS.init({config: {backend: {name: a}}})',
      { backend: { name: computed } },
    ],
    [
      'changes it',
      'const c = {backend: {name: "github"}}; c.backend.base_url = location.origin; CMS.init({config: c})',
      computed,
    ],
    ['takes a function’s', 'CMS.init({ config: make() })', computed],
    ['takes what a function hands over', 'CMS.init(options)', computed],
  ])('%s', (_, text, expected) => expect(config(text)).toEqual(expected));

  it('may hand over nothing', () =>
    expect(read('window.CMS_MANUAL_INIT = true; CMS.init()')).toMatchObject({ isManual: true, inits: [undefined] }));
  it('is no other program', () => expect(read('app.init({ el: "#x" }); analytics.init()').inits).toEqual([]));
  it('may register backends', () => expect(read('CMS.registerBackend("own", class {})').backends).toEqual(['own']));
  it('may be none that can be read', () => expect(read('CMS.init({config: <b/>})').isUnread).toBe(true));
  it('may be groups in groups without end', () => expect(read(`CMS.init(${'{a:'.repeat(50_000)}`).isUnread).toBe(true));
  it('knows where it says what', () => {
    const [init] = read('\n\nCMS.init({ config: {\n  backend: { name: "x" },\n} })').inits;
    expect(init instanceof Map && init.get('backend')).toMatchObject({ line: 4, file: 'cms.js' });
  });
});
