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

/** A value of somebody else's as it may stand in a sentence: on one line, and not without end. */
export function shown(value: unknown, longest = 200): string {
  const text = String(value)
    .slice(0, longest + 1)
    .replace(unprintable, '·');
  return text.length > longest ? `${text.slice(0, longest)}…` : text;
}
