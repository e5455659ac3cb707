import { expect, it } from 'vitest';
import { providers } from '../../functions/auth.ts';
import { main } from '../../lib/doctor/main.ts';
import { withFacts } from '../../lib/providers/facts.ts';
import { facts, gitlab } from '../../lib/providers/gitlab.ts';
import type { KnownHost } from '../../lib/providers/provider.ts';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A host that somebody adds: facts of the hosts that are there must not be told of it. Its CMSs log in by PKCE alone. */
const { scope: _, refresh: __, ...rest } = gitlab;
const forgejo: KnownHost = {
  ...rest,
  ...facts,
  id: 'forgejo',
  name: 'Forgejo',
  url: 'https://codeberg.org',
  authorizePath: '/login/oauth/authorize',
  tokenPath: '/login/oauth/access_token',
  api: [{ base: '*', api_root: '*/api/v1' }],
  repository: { form: 'owner/repository', groups: false },
  cms: {},
  inPage: { pkce: 'works' },
};

it.each([[''], ['  auth_type: pkce\n'], ['  auth_type: implicit\n'], ['  base_url: https://auth.example.com\n']])(
  'says nothing of Forgejo that is true of another host: %j',
  async (more) => {
    const folder = await mkdtemp(path.join(tmpdir(), 'forgejo-'));
    let out = '';
    await writeFile(
      path.join(folder, 'config.yml'),
      `backend:\n  name: forgejo\n  repo: acme/site\n  branch: main\n  app_id: x\n${more}media_folder: u\ncollections: [{ name: pages }]\n`,
    );
    await main([...providers.map(withFacts), forgejo], ['config.yml', '--cms', 'decap'], {
      write: (text) => (out += text),
      complain: (text) => (out += text),
      folder,
    });
    await rm(folder, { recursive: true });
    expect(out).not.toMatch(/undefined|GitLab|two hours|Confidential|base_url is not set|3\.14|api\.netlify/);
    expect(out).toContain('The backend forgejo needs no login server');
  },
);
