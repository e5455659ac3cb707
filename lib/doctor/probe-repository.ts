import { apiRoots } from '../providers/provider.ts';
import { baseOf, type CheckContext } from './context.ts';
import { isNetworkError, isSafe, parseUrl, target, type Ask, type HttpResponse } from './fetch.ts';
import { mayAsk } from './probe.ts';
import type { RepositoryProbe } from './probe-result.ts';

/**
 * Asks the Git host about the repository, without a token: the public host, or the one that the configuration names. Only for a
 * page on the web; whoever gives a file may not want anybody to be asked about it.
 *
 * @returns undefined where there is nobody to ask, or where the answer says nothing
 */
export async function probeRepository(context: CheckContext, ask: Ask): Promise<RepositoryProbe | undefined> {
  const { provider, diagnosis, answer, atGateway } = context;
  const [repo, branch, base] = [context.text('repo'), context.text('branch'), baseOf(context)];
  const root = provider && base !== undefined && apiRoots(provider, base)?.api_root;
  const asked = root ? parseUrl(root) : undefined;
  if (!answer || !root || !asked || !isSafe(asked) || repo === undefined || !diagnosis.repository) return undefined;
  if (
    atGateway !== undefined ||
    !/^[\w.-]+(?:\/[\w.-]+)+$/.test(repo) ||
    repo.split('/').some((part) => /^\.+$/.test(part))
  )
    return undefined;
  if (!mayAsk(context, asked)) return undefined;
  const filled = (path: string) =>
    new URL(
      root +
        path
          .replace('{repo}', repo)
          .replace('{id}', encodeURIComponent(repo))
          .replace('{branch}', encodeURIComponent(branch ?? '')),
    );
  let found = await ask(filled(diagnosis.repository.path));
  const next = isNetworkError(found) ? undefined : target(found);
  // A moved one is at the same host.
  if (next?.origin === asked.origin) found = await ask(next);
  if (isNetworkError(found)) return undefined;
  if (found.status === 404) return next ? undefined : { repo, branch, state: 'hidden' };
  const facts = bodyOf(found);
  const name = textOf(facts?.[diagnosis.repository.nameKey]);
  if (found.status !== 200 || !facts || name === undefined) return undefined;
  const defaultBranch = textOf(facts['default_branch']);
  const probe: RepositoryProbe = {
    repo,
    branch,
    state: 'public',
    ...(name.toLowerCase() !== repo.toLowerCase() && { movedTo: name }),
    ...(facts['archived'] === true && { isArchived: true }),
    ...(defaultBranch !== undefined && { defaultBranch }),
  };
  if (branch === undefined || branch === defaultBranch || probe.movedTo !== undefined) return probe;
  const there = await ask(filled(diagnosis.repository.branchPath));
  const lacksBranch =
    !isNetworkError(there) &&
    there.status === 404 &&
    /branch not found/i.test(textOf(bodyOf(there)?.['message']) ?? '');
  return { ...probe, ...(lacksBranch && { lacksBranch }) };
}

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

function bodyOf({ body }: HttpResponse): Record<string, unknown> | undefined {
  try {
    const facts: unknown = JSON.parse(body);
    return typeof facts === 'object' && facts !== null ? (facts as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
