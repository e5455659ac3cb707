import { addressChecks } from './checks/address.ts';
import { backendChecks } from './checks/backend.ts';
import { applied, removed, written, type Check, type Problem } from './checks/check.ts';
import { consentChecks } from './checks/consent.ts';
import { gatewayChecks } from './checks/gateway.ts';
import { keysChecks, requiredChecks } from './checks/keys.ts';
import { loginChecks } from './checks/login.ts';
import { pageChecks } from './checks/admin-page.ts';
import { redirectChecks } from './checks/redirect.ts';
import { repositoryChecks } from './checks/repository.ts';
import { sessionChecks } from './checks/session.ts';
import { isComputed } from './config.ts';
import { contextOf, entryOf, type CheckContext } from './context.ts';
import type { Finding } from './finding.ts';

/** From the root to the leaves: what comes first explains what comes later. */
const checks: readonly Check[] = [
  ...keysChecks,
  ...backendChecks,
  ...gatewayChecks,
  ...addressChecks,
  ...repositoryChecks,
  ...pageChecks,
  ...sessionChecks,
  ...loginChecks,
  ...redirectChecks,
  ...consentChecks,
  ...requiredChecks,
];

/**
 * @returns what is wrong, from the root to the leaves: of several findings about one thing only the first, which explains
 *   the others. Without a configuration only the page is looked at.
 */
export function diagnose(context: CheckContext): Finding[] {
  const explained = new Set<string>();
  // Of what only comes to be when the page runs or the site is built, nothing is known.
  const isUnknown = (at: string) =>
    !/^(?:page|server|gateway)\b/.test(at) && at !== '' && isComputed(context.config, at);
  const isExplained = (at: string) => explained.has(at) || explained.has(at.split('.', 1)[0] ?? '');
  return (context.given.config ? checks : pageChecks).flatMap((check) => {
    if (check.at !== undefined && isExplained(check.at)) return [];
    const problem = check.look(context);
    if (!problem) return [];
    const place = problem.at ?? check.at ?? '';
    if (context.given.config && isUnknown(place)) return [];
    const found = problem.severity ?? check.severity;
    const severity = found === 'broken' && context.given.isUncertain ? 'risky' : found;
    if (severity !== 'note')
      for (const key of [place, ...(problem.about ?? [])]) if (!['', 'page'].includes(key)) explained.add(key);
    const { write = problem.write, remove } = advice(context, check, problem);
    const where = problem.where ?? whereOf(context, place, problem.line);
    return {
      id: check.id,
      severity,
      what: problem.what,
      why: problem.why,
      ...(write !== undefined && { write }),
      ...(remove !== undefined && remove.length > 0 && { remove }),
      ...(where !== undefined && { where }),
    };
  });
}

/** Nobody is told to write what the doctor would complain about the next time. */
function advice(context: CheckContext, { look }: Check, { what, fix }: Problem): Pick<Finding, 'write' | 'remove'> {
  const again = fix && look(contextOf({ ...context.given, config: applied(context, fix) }, context));
  if (!fix || (again && again.what === what)) return {};
  const write = written(context, fix);
  return { ...(write !== undefined && { write }), remove: removed(context, fix) };
}

function whereOf(context: CheckContext, place: string, at?: number): string | undefined {
  if (place === 'page') return context.answer?.url.href;
  if (/^server\b/.test(place)) return context.server?.origin;
  const { line, file } = entryOf(context, place) ?? {};
  const name = at === undefined ? (file ?? context.name) : context.name;
  return (at ?? line) === undefined ? name : `${name}:${at ?? line}`;
}
