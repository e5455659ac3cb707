/**
 * Whatever arrives, from the browser, the owner or the Git host: `fuzz/ours.ts` holds. The budget is fixed and the seed is
 * not; when a case is found, it is printed with its seed, and is to be kept in `fuzz/found.ts`.
 */
import { createConnection } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { loginErrors as errors } from '../errors.ts';
import { createHandler } from '../../lib/login/handler.ts';
import { askOver } from '../contract/http.ts';
import { attack } from './attack.ts';
import { found } from './fuzz/found.ts';
import { openTheatre, providers, type Theatre } from './fuzz/play.ts';
import { anyAnswer, error } from './fuzz/answers.ts';
import { changeAt } from './fuzz/settings.ts';
import { bend, story, type Story } from './fuzz/stories.ts';
import { text } from './fuzz/text.ts';

vi.setConfig({ testTimeout: 300_000 });

let theatre: Theatre;
beforeAll(async () => void (theatre = await openTheatre()));
afterAll(() => theatre.close());

/** A multiple of the budget, for a longer search by hand. */
const times = Number(process.env['FUZZ_TIMES'] ?? 1);

async function explore(stories: fc.Arbitrary<Story>, runs: number): Promise<string> {
  const before = new Map(theatre.outcomes);
  await fc.assert(
    fc.asyncProperty(stories, (given) => theatre.play(given)),
    { numRuns: runs * times },
  );
  const seen = [...theatre.outcomes].filter(([code, count]) => count > (before.get(code) ?? 0));
  return `${runs * times} cases, ${seen.length} kinds of outcome`;
}

const oneOf = (...kinds: Story['kind'][]) => fc.constantFrom(...kinds);

describe('Whatever comes', () => {
  for (const [what, example] of Object.entries(found))
    attack(`found before: ${what}`, async () => {
      await theatre.play(example);
      // What comes behind the deadline, and of no request any more.
      await setTimeout(400);
      expect(theatre.trouble).toEqual([]);
      expect(theatre.last).toMatch(/^(HOST_\w+|BAD_REQUEST|finish 200)$/);
      return theatre.last;
    });

  attack('a login that is bent in one place or two', () => {
    const bends = fc.oneof(
      { weight: 4, arbitrary: fc.array(bend.finish, { minLength: 1, maxLength: 2 }) },
      { weight: 1, arbitrary: fc.array(bend.begin, { minLength: 1, maxLength: 2 }) },
      { weight: 2, arbitrary: fc.array(bend.proceed, { minLength: 1, maxLength: 2 }) },
      { weight: 1, arbitrary: fc.tuple(bend.begin, bend.finish) },
      { weight: 1, arbitrary: fc.tuple(bend.proceed, bend.finish) },
    );
    const later = fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, fc.constantFrom(-61, -50, 599, 650, 662, 1e9));
    return explore(story({ kind: oneOf('login'), bends: () => bends, later }), 1200);
  });

  attack('a renewal that is bent in one place or two', () => {
    const bends = fc.array(bend.refresh, { minLength: 1, maxLength: 2 });
    return explore(story({ kind: oneOf('renewal'), bends: () => bends }), 700);
  });

  attack('a Git host that sends the browser back with anything', () => {
    const bends = fc.array(bend.finish, { maxLength: 1 });
    return explore(story({ kind: oneOf('login'), error, bends: () => bends }), 300);
  });

  attack('a Git host that answers anything', async () => {
    const late = fc.oneof({ weight: 40, arbitrary: fc.constant(false) }, fc.constant(true));
    return explore(story({ kind: oneOf('login', 'renewal'), answer: anyAnswer, late }), 1200);
  });

  attack('settings of any kind', () => {
    const changes = (id: Story['id']) => fc.array(changeAt(id), { minLength: 1, maxLength: 2 });
    const bends = (kind: Story['kind']) =>
      fc.array(kind === 'login' ? fc.oneof(bend.begin, bend.proceed, bend.finish) : bend.refresh, { maxLength: 1 });
    return explore(story({ kind: oneOf('login', 'login', 'renewal'), changes, bends }), 900);
  });

  attack('bytes that are hardly HTTP, on a server of one\u2019s own', async () => {
    const handler = createHandler(providers, { env: { CMS_AUTH_URL: 'https://auth.example.com' }, log: () => {} });
    const piece = fc.oneof(
      text,
      fc.constantFrom('GET /auth HTTP/1.1', 'POST /auth/refresh HTTP/1.1', 'Host: x', '\r\n', '\r\n\r\n', ' ', ':'),
      fc.constantFrom('Content-Length: 9', 'Transfer-Encoding: chunked', 'Expect: 100-continue', 'Upgrade: h2c', '0'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        theatre.doors.answerWith(handler);
        const socket = createConnection(theatre.doors.port, '127.0.0.1').on('error', () => {});
        await new Promise<void>((resolve) => {
          socket.resume().once('close', () => resolve());
          socket.end(pieces.join(''));
        });
        expect(theatre.trouble).toEqual([]);
      }),
      { numRuns: 200 * times },
    );
    const { status } = await askOver(theatre.doors.port, { method: 'GET', path: '/auth', query: '', headers: {} });
    expect(status).toBe(200);
    return `${200 * times} cases, and it still answers`;
  });

  attack('all of this gets to the end of every path', () => {
    // What must never be seen.
    const others = new Set(['INTERNAL']);
    const missed = Object.keys(errors).filter((code) => !others.has(code) && !theatre.outcomes.has(code));
    // Chance may miss the rarest.
    expect(missed.length, missed.join()).toBeLessThanOrEqual(3);
    for (const outcome of ['begin 200', 'proceed 302', 'finish 200', 'refresh 200'])
      expect(theatre.outcomes.get(outcome) ?? 0, outcome).toBeGreaterThan(20);
    const ended = (outcome: string) => theatre.outcomes.get(outcome) ?? 0;
    const all = Object.keys(errors).length - others.size;
    return `${all - missed.length} of ${all} errors; ${ended('finish 200')} logins, ${ended('refresh 200')} renewals`;
  });
});
