/** Something that keeps a login from working (`broken`), will do so one day or elsewhere (`risky`), or is good to know. */
export interface Finding {
  /** Stable, for scripts. */
  id: string;
  severity: Severity;
  /** What is wrong, in one line. */
  what: string;
  /** Why that breaks the login. */
  why: string;
  /** What to write instead, ready to paste. */
  write?: string;
  /** Keys whose lines are to be deleted: `backend.auth_endpoint`. */
  remove?: string[];
  /** `admin/config.yml:4` */
  where?: string;
}

export const severities = ['broken', 'risky', 'note'] as const;
export type Severity = (typeof severities)[number];

/**
 * The most probable cause first: what is broken before what is risky, and within that in the order of finding, which is
 * from the root (a file that cannot be read) to the leaves (a header of the login server).
 */
export const byImportance = (findings: readonly Finding[]): Finding[] =>
  severities.flatMap((severity) => findings.filter((finding) => finding.severity === severity));

/** What could move the cursor of somebody's terminal, or turn the direction of writing around. */
export const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Takes out of addresses what stands in front of the host's name: `user:password@`, `token@`. That it is `git` is no secret. */
export const withoutUser = (text: string): string =>
  text.replace(/[^\s/\\?#]+/g, (part, start: number) => {
    const user = part.slice(0, Math.max(part.lastIndexOf('@'), 0));
    const isUser = user.includes(':') || /^[/\\]{2}$/.test(text.slice(Math.max(start - 2, 0), start));
    return isUser && !['', 'git'].includes(user) ? `…${part.slice(user.length)}` : part;
  });

/** What may be a secret in somebody's address does not get into a report: the user, and the values of a query. */
export const masked = (text: string): string => withoutUser(text).replace(/([?&#][^\s=?&#]*=)[^\s&]+/g, '$1…');

/** A value of somebody else's as it may stand in a sentence: without secrets, on one line, and not without end. */
export function shown(value: unknown, longest = 200): string {
  const text = masked(String(value))
    .slice(0, longest + 1)
    .replace(unprintable, '·');
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
