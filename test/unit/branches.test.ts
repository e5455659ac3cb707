/** Names of branches: what may be asked for, and what is refused in words. */
import { describe, expect, it } from 'vitest';
import { isBranch, isRevision, wrongBranch, wrongDraft } from '../../lib/gateway/rules/branches.ts';
import { ask, bitbucket, call, github, gitlab, ruleOf, sendJson } from '../gateway/rules.ts';

const sha = 'a'.repeat(40);

// By git-check-ref-format(1).
const wrong: [name: string, what: string][] = [
  ['cms/posts/Chuck E Cheese', 'a blank'],
  ['cms/posts/a~b', '"~"'],
  ['cms/posts/what?', '"?"'],
  ['cms/posts/a:b', '":"'],
  ['cms/posts/[a]', '"["'],
  ['cms/posts/a*', '"*"'],
  ['cms/posts/a^', '"^"'],
  ['cms/posts/a\\b', '"\\"'],
  ['cms/posts/a..b', '".."'],
  ['cms/posts/a@{1}', '"@{"'],
  ['cms//a', '"//"'],
  ['cms/posts/.a', 'begins with a dot'],
  ['cms/posts/a.lock', '".lock"'],
  ['cms/posts/a.', 'ends with "."'],
  ['cms/posts/', 'ends with "/"'],
  [`cms/posts/${'a'.repeat(310)}`, '320 characters'],
  ['cms/posts/a\u0007', 'control character'],
  ['cms/posts/\ud800', 'half a character'],
];

describe('A name that no branch can have', () => {
  it.each(wrong)('%j is refused with what is wrong: %s', (name, what) => {
    expect(wrongBranch(name)).toContain(what);
    expect(isBranch(name)).toBe(false);
    const said = [
      () => sendJson(github, 'new branch', { ref: `refs/heads/${name}`, sha }),
      () => sendJson(github, 'open pull request', { title: 'A', head: name, base: 'main' }),
      () => sendJson(gitlab, 'commit', { branch: name, start_branch: 'main', commit_message: 'x', actions: [] }),
      () => ask(gitlab, 'open merge request', 'source_branch', name),
      () =>
        sendJson(bitbucket, 'open pull request', {
          title: 'A',
          source: { branch: { name } },
          destination: { branch: { name: 'main' } },
        }),
    ];
    for (const say of said.filter((_, at) => at !== 1 || !name.includes(':'))) expect(say).toThrow(what);
  });

  it('is the empty one, and one that is longer than file systems take', () => {
    expect(wrongBranch('')).toContain('empty');
    expect(wrongBranch('a'.repeat(255))).toBeUndefined();
    expect(wrongBranch('a'.repeat(256))).toContain('256');
  });

  it.each(['@', '-a', '/a'])('is %j', (name) => {
    expect(wrongBranch(name)).toContain(`"${name.charAt(0)}"`);
  });

  it('can be asked for all the same, as a CMS does before it opens an entry', () => {
    for (const [name] of wrong.slice(0, 7).filter(([each]) => !each.includes('*'))) {
      expect(isRevision(name), name).toBe(true);
      expect(ask(gitlab, 'merge requests', 'source_branch', name)).toBe(name);
      for (const host of [github, gitlab, bitbucket])
        expect(ruleOf(host, 'branch').parameters?.['branch']?.check(name, call(host).gateway), name).toBe(true);
      const query = `source.repository.full_name = "" AND state = "OPEN" AND destination.branch.name = "main" AND comment_count > 0 AND source.branch.name = "${name}"`;
      expect(ask(bitbucket, 'pull requests', 'q', query)).toContain(`"${name}"`);
    }
    for (const name of ['v1.0', 'a'.repeat(1024)]) expect(isRevision(name)).toBe(true);
    expect(isRevision('a'.repeat(1025))).toBe(false);
    for (const name of ['cms/..', '../x', 'a//b', '/a', 'a/', 'a/./b', 'a\\b', 'a\0', ''])
      expect(isRevision(name), name).toBe(false);
  });
});

describe('A draft that is begun', () => {
  it.each([
    'cms/posts/$({curl,evil.example}${IFS}x)',
    'cms/posts/`id`',
    'cms/posts/a";id;"',
    'cms/posts/a|sh',
    'cms/posts/a&b',
    'cms/posts/a>b',
    'cms/posts/a<b',
    'cms/posts/{a,b}',
    'cms/posts/${{x}}',
    'main',
    'cms',
    'CMS/posts/a',
    7,
    undefined,
  ])('has not the name %j', (name) => {
    expect(wrongDraft(name)).toMatch(/which shells take for a command|only drafts/);
    expect(() => sendJson(github, 'new branch', { ref: `refs/heads/${String(name)}`, sha })).toThrow();
    // Nor has the backup that Decap CMS makes of one.
    const backup = String(name).replace(/^cms\//, 'cms_1794000000000/');
    expect(() => sendJson(github, 'new branch', { ref: `refs/heads/${backup}`, sha })).toThrow();
  });

  it.each([
    'cms_1/',
    'cms_1//a',
    'cms_1/../main',
    'cms_1/a.lock',
    'cms_/a',
    'cms_x/a',
    'cms_1',
    'xcms_1/a',
    'main/cms_1/a',
  ])('is backed up under no such name as %j', (name) => {
    expect(() => sendJson(github, 'new branch', { ref: `refs/heads/${name}`, sha })).toThrow();
  });

  // Titles in many scripts, as the CMSs make names of them.
  it.each([
    'cms/posts/2026-01-02-a-title',
    'cms/posts/über-uns_2.0',
    'cms/posts/日本語のタイトル',
    'cms/posts/заголовок-ёж',
    'cms/posts/عنوان-المقال',
    'cms/posts/शीर्षक',
    'cms/posts/e\u0301te\u0301',
    'cms/posts/👩\u200d👩\u200d👧-family',
    "cms/posts/l'été",
    'cms/posts/en/deep/folder',
    'cms/posts/rock-n-roll!',
  ])('may have the name %j', (name) => {
    expect(wrongDraft(name)).toBeUndefined();
    for (const ref of [`refs/heads/${name}`, `refs/heads/${name.replace(/^cms/, 'cms_1794000000000')}`])
      expect(sendJson(github, 'new branch', { ref, sha }).body).toEqual({ ref, sha });
  });
});

it('a write to another branch says both names, and the settings', () => {
  const words = ['"master"', '"main"', 'CMS_GATEWAY_BRANCH', '"branch" in the CMS configuration'];
  const commit = { branch: 'master', commit_message: 'x', actions: [{ action: 'delete', file_path: 'content/a.md' }] };
  for (const word of words) expect(() => sendJson(gitlab, 'commit', commit)).toThrow(word);
  const bytes = Buffer.from(JSON.stringify({ sha }));
  const move = () =>
    ruleOf(github, 'move branch').body?.judge({ bytes, type: 'application/json' }, call(github, { branch: 'master' }));
  for (const word of words) expect(move).toThrow(word);
});
