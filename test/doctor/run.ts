import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { providers } from '../../functions/auth.ts';
import { asker, reachOf, type Ask } from '../../lib/doctor/fetch.ts';
import { main } from '../../lib/doctor/main.ts';
import { withFacts } from '../../lib/providers/facts.ts';

export interface Outcome {
  code: number;
  /** The line that has to name the cause. */
  first: string;
  out: string;
  complaint: string;
}

/** The web as far as it is on this machine: no test asks anybody else. */
const onThisMachine = (timeoutMs: number): Ask => {
  const ask = asker(timeoutMs);
  return async (url, request) =>
    reachOf(url) === 'loopback' || !/^https?:$/.test(url.protocol) || url.hostname.endsWith('.invalid')
      ? ask(url, request)
      : { networkError: 'tests ask nobody else' };
};

export async function doctor(args: string[], folder = process.cwd()): Promise<Outcome> {
  let out = '';
  let complaint = '';
  const code = await main(providers.map(withFacts), args, {
    write: (text) => (out += text),
    complain: (text) => (complaint += text),
    folder,
    fetcher: onThisMachine,
  });
  return { code, first: out.split('\n', 1)[0] ?? '', out, complaint };
}

/** Runs the doctor on files that exist for that long only. */
export async function onFiles(files: Record<string, string | Uint8Array>, args: string[]): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'doctor-'));
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
    return await doctor(args, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}
