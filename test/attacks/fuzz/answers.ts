/** Whatever a Git host may answer: nearly a token, nearly a refusal, or anything. */
import fc from 'fast-check';
import { canary, mark } from './ours.ts';
import { often, some, text, words } from './text.ts';
import type { Answer } from './host.ts';

type Fields = Record<string, unknown>;
type Written = [type: string, body: string];

export const error = fc.oneof(
  {
    weight: 3,
    arbitrary: some(
      ...words('access_denied redirect_uri_mismatch application_suspended invalid_scope unauthorized_client'),
      ...words('unsupported_response_type invalid_grant bad_verification_code bad_refresh_token invalid_client'),
      ...words('incorrect_client_credentials unverified_user_email slow_down server_error Invalid_Grant'),
    ),
  },
  { weight: 1, arbitrary: text },
);

const good: Fields = {
  access_token: `${canary}token`,
  token_type: 'bearer',
  scope: 'repo',
  refresh_token: `${canary}refresh`,
};
const value: fc.Arbitrary<unknown> = fc.oneof(
  text,
  text.map((after) => canary + after),
  fc.jsonValue({ maxDepth: 2 }),
  some<unknown>('', ' ', 'BEARER', 'mac', 'DPoP', 0, -1, 1e308, null, true, [], {}, undefined, undefined),
  some<unknown>([`${canary}token`], { a: `${canary}token` }, `${canary}token\n`),
);
const names = words(
  'access_token access_token token_type refresh_token scope scopes expires_in error error error_description id_token state iss cnf __proto__ constructor toString',
);
const bent = fc
  .array(fc.tuple(some(...names), fc.oneof(value, error)), { maxLength: 2 })
  .map((pairs): Fields => Object.fromEntries([...Object.entries(good), ...pairs]));
const refusal = fc
  .tuple(error, value)
  .map(([code, words]): Fields => ({ error: code, error_description: words, access_token: `${canary}token` }));

const json = 'application/json; charset=utf-8';
const form = 'application/x-www-form-urlencoded; charset=utf-8';
const asForm = (fields: Fields): string =>
  new URLSearchParams(
    Object.entries(fields).map(([name, given]) => [name, typeof given === 'string' ? given : JSON.stringify(given)]),
  ).toString();
const as = <T>(type: string, arbitrary: fc.Arbitrary<T>, write: (value: T) => string) =>
  arbitrary.map((given): Written => [type, write(given)]);

const written = (fields: fc.Arbitrary<Fields>): fc.Arbitrary<Written> =>
  fc.oneof(
    { weight: 8, arbitrary: as(json, fields, JSON.stringify) },
    { weight: 3, arbitrary: as(form, fields, asForm) },
    { weight: 1, arbitrary: as(form, fields, JSON.stringify) },
    { weight: 1, arbitrary: as('text/html', fields, JSON.stringify) },
    { weight: 1, arbitrary: as(json, fields, (given) => `\ufeff\n ${JSON.stringify(given, null, 1)}\n`) },
    { weight: 1, arbitrary: as(json, fields, (given) => JSON.stringify([given])) },
    // Cut off without anybody saying so.
    {
      weight: 1,
      arbitrary: fc.tuple(fields, fc.nat(200)).map(([f, at]): Written => [json, JSON.stringify(f).slice(0, at)]),
    },
    { weight: 1, arbitrary: fc.tuple(fields, fc.nat(200)).map(([f, at]): Written => [form, asForm(f).slice(0, at)]) },
  );

const anything: fc.Arbitrary<Written> = fc.oneof(
  as(json, fc.jsonValue(), JSON.stringify),
  fc.tuple(fc.oneof(text, some(json, form, 'text/html', '')), text),
  as(json, some(20, 5_000, 30_000), (n) => `{"access_token":${'['.repeat(n)}${']'.repeat(n)},"token_type":"bearer"}`),
  as(json, some(65_000, 66_000, 300_000), (length) => JSON.stringify(good).padEnd(length)),
  some<Written>(['text/html', `<!doctype html><script>${mark}</script>`], [json, ''], [json, 'null'], [form, '']),
);

const odd: fc.Arbitrary<[name: string, value: string]> = fc.oneof(
  fc.tuple(
    some(...words('WWW-Authenticate Location Set-Cookie Retry-After Link Refresh Content-Type Date DPoP-Nonce X-Any')),
    fc.oneof(text, some('Bearer error="invalid_client"', 'Basic', 'DPoP error="use_dpop_nonce"', '60')),
  ),
  some<[string, string]>(
    ['Content-Encoding', 'gzip, gzip, gzip, gzip, gzip, gzip'],
    ['Content-Encoding', 'nonsense'],
    ['Content-Encoding', 'deflate, br'],
    ['X-Long', 'x'.repeat(20_000)],
    ['Content-Length', '1'],
    ['Transfer-Encoding', 'nonsense'],
  ),
);
const statuses = '200 201 204 205 206 301 302 304 307 400 400 401 403 404 429 429 500 502 503';
// Those that wait for the deadline are rare, since they take their time.
const ends = 'length chunked chunked chunked close close short short reset reset noise noise';

/** @param plain how often each part of it is as it should be, against once that it is not */
const answers = (body: fc.Arbitrary<Written>, plain: number): fc.Arbitrary<Answer> =>
  fc
    .record({
      status: often(plain, 200, fc.oneof(some(...words(statuses).map(Number)), fc.nat(999))),
      body,
      headers: often<[string, string][]>(plain, [], fc.array(odd, { maxLength: 3 })),
      gzip: often<Answer['gzip']>(3 * plain, 'no', some('yes', 'yes', 'lie')),
      end: often(plain, 'length', some(...words(`${ends} ${ends} stuck silent`))) as fc.Arbitrary<Answer['end']>,
    })
    .map(({ body: [type, content], headers, ...rest }) => ({
      ...rest,
      body: content,
      headers: [['Content-Type', type], ...headers],
    }));

export const goodAnswer = answers(fc.constant<Written>([json, JSON.stringify(good)]), 1_000);
export const anyAnswer = fc.oneof(
  { weight: 5, arbitrary: answers(written(bent), 4) },
  { weight: 3, arbitrary: answers(written(refusal), 6) },
  { weight: 2, arbitrary: answers(anything, 3) },
);
