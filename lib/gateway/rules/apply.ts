/** A rule applied to a call: what goes to the host, or why nothing does. */
import { Failure, webErrors } from '../../http/errors.ts';
import { queryText, refuse, type Call, type Json, type ReceivedBody, type Rule, type SentBody } from './rule.ts';

/** What is sent to the host, behind the path. */
export interface Applied {
  /** With its question mark; empty if there is none. */
  search: string;
  sent: SentBody | undefined;
}

/**
 * Judges query and body, then looks up what the rule wants looked up, and writes both anew.
 *
 * @param given.receive reads the body, up to so many bytes; it is only called if the rule takes one
 * @throws Failure for whatever the rule does not let pass
 */
export async function applyRule(
  rule: Rule,
  given: { query: URLSearchParams; receive: (limit: number | undefined) => Promise<ReceivedBody> },
  call: Call,
): Promise<Applied> {
  const query = readQuery(rule, given.query, call);
  const body = rule.body && rule.body.judge(await given.receive(rule.body.limit), call);
  const added = rule.guard && (await rule.guard.look(call, body?.values ?? query));
  const pairs = Object.entries(body || !added ? query : { ...query, ...text(added) });
  return {
    search: pairs.length > 0 ? `?${pairs.map(([key, value]) => `${key}=${queryText(value)}`).join('&')}` : '',
    sent: body?.write(added ?? {}),
  };
}

const text = (added: Json): Record<string, string> =>
  Object.fromEntries(Object.entries(added).map(([key, value]) => [key, String(value)]));

/** Named keys only, each once; whatever else the client or the host's own links have put there is left out. */
function readQuery(
  { query = {}, required = [] }: Rule,
  given: URLSearchParams,
  call: Call,
): Readonly<Record<string, string>> {
  const pairs: Record<string, string> = {};
  for (const [key, check] of Object.entries(query)) {
    const values = given.getAll(key);
    if (values.length > 1) throw new Failure(webErrors.BAD_REQUEST, { detail: `"${key}" is given twice` });
    const [value] = values;
    if (value !== undefined) pairs[key] = check(value, call);
    else if (required.includes(key)) throw refuse(`"${key}" is missing`);
  }
  return pairs;
}
