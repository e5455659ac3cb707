/** Whatever an owner may set. */
import fc from 'fast-check';
import { canary, ownersMark, site } from './ours.ts';
import { marked, noise, some, words } from './text.ts';
import type { Id, Story } from './stories.ts';

/** What the settings differ in from good ones, and when. */
export interface Change {
  when: 'always' | 'between';
  name: string;
  value: string | undefined;
}

/** An environment holds no half of a character. */
const text = fc.oneof(marked(ownersMark), noise).map((given) => Buffer.from(given).toString());

const loginServer = 'https://auth.example.com';
const near: Record<string, string[]> = {
  CMS_AUTH_URL: words(
    `${loginServer}/prod ${loginServer}/auth ${loginServer}//x ${loginServer}/'${ownersMark}&${ownersMark} ${loginServer}/<${ownersMark}> http://localhost:8888 http://evil.example`,
  ),
  CMS_AUTH_ORIGINS: ['*', 'https://*.netlify.app', site, `${site},`, 'null', `https://${ownersMark}.example`, ',,'],
  CMS_AUTH_REFRESH: ['github', 'gitlab bitbucket', 'none', 'GitHub'],
  CMS_AUTH_PAGE: ['off', 'on', 'Off'],
  CMS_AUTH_SECRETS_TTL: ['0', '300', '-1', '1e9'],
  // A port where nobody listens, ports that fetch refuses, and no port.
  URL: [
    ...words('2 6000 10080 99999').map((port) => `http://127.0.0.1:${port}`),
    ...words('http://10.0.0.1 https://git.example.com https://git.example.com/a//b https://user:pass@git.example.com'),
    `http://127.0.0.1:2/'${ownersMark}`,
  ],
  CLIENT_ID: [`${ownersMark}:${ownersMark}`, `${ownersMark}%+ä`, `a\n${ownersMark}`],
  // A secret is a secret, whatever it looks like.
  CLIENT_SECRET: [`${canary}:%+ä`, `${canary}secret\n`, `${canary} \u{1f511}`, `-_.${canary}secret`],
  SCOPE: ['repo', 'public_repo user', ',', `${ownersMark} repo`],
};

const pointers = (key: string): string[] => {
  const name = `/cms/${key === 'CLIENT_SECRET' ? 'secret' : 'public'}`;
  return [`ssm:${name}`, ` ssm:${name}:3\n`, `ssm:${name}`, `ssm:${name}`, 'ssm:x', 'ssm:'];
};

export const changeAt = (id: Id): fc.Arbitrary<Change> =>
  some(...Object.keys(near), 'CLIENT_SECRET').chain((key) =>
    fc.record({
      when: some<Change['when']>('always', 'always', 'between'),
      name: fc.constant(key.startsWith('CMS_') ? key : `${id.toUpperCase()}_${key}`),
      value: fc.oneof(
        { weight: 3, arbitrary: some<string | undefined>(...(near[key] ?? [])) },
        { weight: 2, arbitrary: some<string | undefined>(undefined, '', ' \n', ...pointers(key)) },
        { weight: 1, arbitrary: text.map((given) => (key === 'CLIENT_SECRET' ? canary + given : given)) },
      ),
    }),
  );

/** What the parameter store has of it. */
export const stored: fc.Arbitrary<Story['stored']> = fc.oneof(
  some('', ' ', `${canary}secret`, `${canary}secret\n`).map((value) => ({ value })),
  text.map((given) => ({ value: canary + given })),
  some<Story['stored']>(
    { problem: 'PARAMETER_MISSING' },
    { problem: 'PARAMETER_UNREADABLE' },
    { problem: 'PARAMETER_UNREADABLE', value: `${canary}secret` },
  ),
);
