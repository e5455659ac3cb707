import type { Severity } from '../finding.ts';
import { lines, serverOf, type View } from '../view.ts';

/** One thing that can be wrong with a configuration. Each is a question to the view and nothing else. */
export interface Check {
  id: string;
  /** How bad it is, unless the answer says otherwise. */
  severity: Severity;
  /** The key that it is about, `backend.` in front: where it is found, and what later checks need not look at again. */
  at?: string;
  look: (view: View) => Trouble | false | undefined;
}

export interface Trouble {
  what: string;
  why: string;
  write?: string;
  severity?: Severity;
  at?: string;
  /** The line, where `at` does not lead to it. */
  line?: number | undefined;
  /** Further keys that are dealt with. */
  about?: string[];
}

export const gitHosts = /^(?:(?:www|api)\.)?(?:github\.com|gitlab\.com|bitbucket\.org)$/;

/** What a `base_url` should be in this configuration. */
export const goodBase = (view: View, group: string | undefined = 'backend'): string => {
  const server = serverOf(view);
  const origin = server && !gitHosts.test(new URL(server.origin).hostname) ? server.origin : 'https://auth.example.com';
  const endpoint = server && server.prefix !== '' && { auth_endpoint: server.endpoint };
  return lines(view, { base_url: origin, ...endpoint }, group);
};

/** The same but for case, hyphens and underscores, or one slip of the finger (two in a long name). */
export function isNear(written: string, name: string): boolean {
  const plain = (text: string) => text.toLowerCase().replace(/[^a-z0-9]/g, '');
  const [a, b] = [plain(written), plain(name)];
  if (a === b) return true;
  return b.length >= 6 && distance(a, b) <= (b.length >= 10 ? 2 : 1);
}

/** Levenshtein's, with neighbours that changed places counted as one slip. */
function distance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let [before, last]: number[][] = [[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? (before?.[j - 2] ?? 9) + 1 : 9;
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      row.push(Math.min((last?.[j] ?? 9) + 1, (row[j - 1] ?? 9) + 1, (last?.[j - 1] ?? 9) + cost, swap));
    }
    [before, last] = [last, row];
  }
  return last?.[b.length] ?? 9;
}
