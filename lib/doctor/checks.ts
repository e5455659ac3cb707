import { backendChecks } from './checks/backend.ts';
import { keysChecks } from './checks/keys.ts';
import { pageChecks } from './checks/page.ts';
import { repositoryChecks } from './checks/repository.ts';
import { serverChecks } from './checks/server.ts';
import { sessionChecks } from './checks/session.ts';
import { lineOf, type View } from './view.ts';
import type { Check } from './checks/check.ts';
import type { Finding } from './finding.ts';

/** From the root to the leaves: what comes first explains what comes later. */
const checks: readonly Check[] = [
  ...keysChecks,
  ...backendChecks,
  ...serverChecks,
  ...repositoryChecks,
  ...pageChecks,
  ...sessionChecks,
];

/**
 * @param isRead whether there is a configuration; otherwise only the page is looked at
 * @returns what is wrong, from the root to the leaves: of several findings about one key only the first, which explains
 *   the others
 */
export function checkConfig(view: View, isRead = true): Finding[] {
  const explained = new Set<string>();
  const applicable = isRead ? checks : pageChecks;
  return applicable.flatMap(({ id, severity, at: usually, look }) => {
    const at = usually ?? '';
    if (explained.has(at) || (at.startsWith('backend.') && explained.has('backend'))) return [];
    const trouble = look(view);
    if (!trouble) return [];
    const { what, why, write, about = [] } = trouble;
    const place = trouble.at ?? at;
    const finding = trouble.severity ?? severity;
    if (finding !== 'note') for (const key of [place, ...about]) if (key !== '' && key !== 'page') explained.add(key);
    const line = trouble.line ?? lineOf(view, place);
    const where = place === 'page' ? view.answer?.url.href : line === undefined ? view.name : `${view.name}:${line}`;
    return {
      id,
      severity: finding,
      what,
      why,
      ...(write !== undefined && { write }),
      ...(where !== undefined && { where }),
    };
  });
}
