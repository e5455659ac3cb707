import { addressChecks } from './checks/address.ts';
import { backendChecks } from './checks/backend.ts';
import { applied, removed, written, type Check, type Trouble } from './checks/check.ts';
import { consentChecks } from './checks/consent.ts';
import { gatewayChecks } from './checks/gateway.ts';
import { keysChecks } from './checks/keys.ts';
import { loginChecks } from './checks/login.ts';
import { pageChecks } from './checks/page.ts';
import { redirectChecks } from './checks/redirect.ts';
import { repositoryChecks } from './checks/repository.ts';
import { sessionChecks } from './checks/session.ts';
import { lineOf, viewOf, type View } from './view.ts';
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
];

/**
 * @returns what is wrong, from the root to the leaves: of several findings about one thing only the first, which explains
 *   the others. Without a configuration only the page is looked at.
 */
export function judge(view: View): Finding[] {
  const explained = new Set<string>();
  const isExplained = (at: string) => explained.has(at) || explained.has(at.split('.', 1)[0] ?? '');
  return (view.given.config ? checks : pageChecks).flatMap((check) => {
    if (check.at !== undefined && isExplained(check.at)) return [];
    const trouble = check.look(view);
    if (!trouble) return [];
    const place = trouble.at ?? check.at ?? '';
    const severity = trouble.severity ?? check.severity;
    if (severity !== 'note')
      for (const key of [place, ...(trouble.about ?? [])]) if (!['', 'page'].includes(key)) explained.add(key);
    const { write = trouble.write, remove } = advice(view, check, trouble);
    const where = trouble.where ?? whereOf(view, place, trouble.line);
    return {
      id: check.id,
      severity,
      what: trouble.what,
      why: trouble.why,
      ...(write !== undefined && { write }),
      ...(remove !== undefined && remove.length > 0 && { remove }),
      ...(where !== undefined && { where }),
    };
  });
}

/** Nobody is told to write what the doctor would complain about the next time. */
function advice(view: View, { look }: Check, { what, fix }: Trouble): Pick<Finding, 'write' | 'remove'> {
  const again = fix && look(viewOf({ ...view.given, config: applied(view, fix) }, view));
  if (!fix || (again && again.what === what)) return {};
  const write = written(view, fix);
  return { ...(write !== undefined && { write }), remove: removed(view, fix) };
}

function whereOf(view: View, place: string, line = lineOf(view, place)): string | undefined {
  if (place === 'page') return view.answer?.url.href;
  if (/^server\b/.test(place)) return view.server?.origin;
  return line === undefined ? view.name : `${view.name}:${line}`;
}
