/** What may happen, as plain data, so that a found case can be kept: a login or a renewal, and where it is bent. */
import fc from 'fast-check';
import { goodAnswer } from './answers.ts';
import { doors, type Door } from './doors.ts';
import { preview, site } from './ours.ts';
import { stored, type Change } from './settings.ts';
import { often, some, text, words } from './text.ts';
import type { Answer } from './host.ts';

export const ids = ['github', 'gitlab', 'bitbucket'] as const;
export type Id = (typeof ids)[number];

/** One change to a good request. */
export interface Bend {
  at: 'begin' | 'proceed' | 'finish' | 'refresh';
  part: 'method' | 'path' | 'query' | 'parameter' | 'header' | 'cookie' | 'body';
  /** Of the parameter or header. */
  name: string;
  how: 'replace' | 'insert' | 'cut' | 'swap' | 'twice' | 'drop';
  text: string;
  place: number;
}

export interface Story {
  door: Door;
  id: Id;
  kind: 'login' | 'renewal';
  /** Where a login begins; or, at a renewal, which of the clients asks. */
  variant: number;
  /** What the host sends the browser back with instead of a code. */
  error: string | undefined;
  /** Whether it names itself. */
  iss: boolean;
  answer: Answer;
  bends: Bend[];
  changes: Change[];
  /** What the parameter store has, where a setting points there. */
  stored: { value?: string; problem?: 'PARAMETER_MISSING' | 'PARAMETER_UNREADABLE' };
  /** Seconds between the second step and the callback. */
  later: number;
  /** The machine sleeps over the deadline in the middle of the second step. */
  late: boolean;
  /** The body breaks off. */
  cut: boolean;
  /** The callback is loaded once more. */
  again: boolean;
}

const parameters = {
  begin: words('provider scope site_id state'),
  proceed: words('proof scope origin origin provider'),
  finish: words('code state iss error error_description error_uri'),
  refresh: words('provider refresh_token grant_type client_id'),
};
const headers = words('origin origin sec-fetch-dest content-type sec-purpose referer x-forwarded-host forwarded');

/** What is nearly right somewhere. */
const near: Record<string, string[]> = {
  method: words('HEAD POST OPTIONS GET get DELETE PRI'),
  path: [
    ...words(
      '/ /auth /auth/ //auth /%61uth /auth/github /prod/auth/gitlab /auth/refresh /auth/gitlab/token /auth/github/begin',
    ),
    ...words('/auth/github/callback /auth/bitbucket/callback /auth/__proto__/callback /auth/github/access_token/'),
  ],
  query: words(
    'provider=github state code=x&state=AAAAAAAAAAAA.1.0.x provider=a&provider=b &&=& refresh_token=a+b%20c',
  ),
  'sec-fetch-dest': ['iframe', 'empty', 'document, iframe'],
  'sec-purpose': ['prefetch', 'prefetch;prerender'],
  origin: words(
    `${preview} ${site}/ ${site}.evil.example https://evil.example null * ${site.toUpperCase()} https://deploy-preview-1--x--site.example.com`,
  ),
  'content-type': ['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'application/json;charset=x'],
  cookie: words('__Host-login-AAAAAAAAAAAA=1.x __session=login~AAAAAAAAAAAA.1.x = ;; __Host-login-= a'),
  body: [
    ...words(
      '{} [] null "x" {"refresh_token":1} refresh_token= {"grant_type":"password"} [["refresh_token","x"]] {"__proto__":{"refresh_token":"x"}}',
    ),
    '{"refresh_token":"a b"}',
  ],
  provider: [...ids, ...words('__proto__ GitHub gitea'), 'a'.repeat(32)],
  scope: ['repo', 'repo user', 'admin:org', 'public_repo,user', '__proto__'],
  grant_type: ['password', 'authorization_code', ''],
  iss: ['https://github.com/login/oauth', ''],
};

const bendsAt = (at: Bend['at']): fc.Arbitrary<Bend> =>
  fc
    .oneof(
      { weight: 4, arbitrary: some(...parameters[at]).map((name) => ['parameter', name] as const) },
      { weight: 2, arbitrary: some(...headers).map((name) => ['header', name] as const) },
      {
        weight: 4,
        arbitrary: some('method', 'path', 'query', 'cookie', at === 'refresh' ? 'body' : 'cookie').map(
          (part) => [part as Bend['part'], part] as const,
        ),
      },
    )
    .chain(([part, name]) =>
      fc.record({
        at: fc.constant(at),
        part: fc.constant<Bend['part']>(part),
        name: fc.constant(name),
        how: some<Bend['how']>('replace', 'replace', 'insert', 'cut', 'swap', 'twice', 'drop'),
        text: near[name] ? fc.oneof(text, { weight: 2, arbitrary: some(...near[name]) }) : text,
        place: fc.nat(300),
      }),
    );

export const bend = {
  begin: bendsAt('begin'),
  proceed: bendsAt('proceed'),
  finish: bendsAt('finish'),
  refresh: bendsAt('refresh'),
};

export interface Plot {
  kind: fc.Arbitrary<Story['kind']>;
  bends?: (kind: Story['kind']) => fc.Arbitrary<Bend[]>;
  changes?: (id: Id) => fc.Arbitrary<Change[]>;
  answer?: fc.Arbitrary<Answer>;
  error?: fc.Arbitrary<string | undefined>;
  later?: fc.Arbitrary<number>;
  late?: fc.Arbitrary<boolean>;
}

/** Good from its beginning to its end, but for what the plot says. */
export const story = ({
  kind,
  bends = () => fc.constant([]),
  changes = () => fc.constant([]),
  answer = goodAnswer,
  error = fc.constant(undefined),
  later = fc.constant(1),
  late = fc.constant(false),
}: Plot): fc.Arbitrary<Story> =>
  fc.tuple(kind, some(...ids)).chain(([which, id]) =>
    fc.record({
      door: some<Door>('plain', 'plain', ...doors),
      id: fc.constant(id),
      kind: fc.constant(which),
      variant: fc.nat(3),
      error,
      iss: fc.boolean(),
      answer,
      bends: bends(which),
      changes: changes(id),
      stored,
      later,
      late,
      cut: often(30, false, some(true)),
      again: often(5, false, some(true)),
    }),
  );
