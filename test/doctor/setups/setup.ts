/** Set-ups as owners write them: what is in the file, and what the first line of the answer has to say. */

/** An example's name, which is not asked: these are about the file. */
export const loginServer = 'https://auth.example.com';

export interface Setup {
  name: string;
  text: string;
  /** What the first line says. */
  says: RegExp;
  /** The line of the file that it names. */
  line?: number;
  cms?: 'decap' | 'netlify' | 'sveltia';
  /** Default: `config.yml` */
  file?: string;
  args?: string[];
  severity?: 'broken' | 'risky' | 'note';
  /** A line that the answer tells to write. */
  write?: string;
}

export const backend = (...lines: string[]) => `backend:\n${lines.map((line) => `  ${line}\n`).join('')}`;
export const github = ['name: github', 'repo: owner/repository', 'branch: main'];
export const gitlab = ['name: gitlab', 'repo: group/sub/project', 'branch: main'];
export const bitbucket = ['name: bitbucket', 'repo: workspace/repository', 'branch: main'];
export const base = `base_url: ${loginServer}`;
