// @ts-check
/**
 * Installs the vendors' tools as the lock file has them, unless they are there already.
 *
 * Of all the packages with install scripts, AWS's runtime client alone needs its own: the others come with a binary, make
 * do without one, or only want to say something. So it alone is compiled, which saves a minute and a half.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';

const folder = import.meta.dirname;
const stamp = path.join(folder, 'node_modules/.installed');
const wanted = createHash('sha256')
  .update(readFileSync(path.join(folder, 'package-lock.json')))
  .digest('hex');

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  npm('ci', '--ignore-scripts');
  npm('rebuild', 'aws-lambda-ric', 'bun', 'deno', 'workerd');
  writeFileSync(stamp, wanted);
}

/** @param {string[]} parameters */
function npm(...parameters) {
  // Where Node has brought its headers along, node-gyp need not fetch them.
  const prefix = path.resolve(process.execPath, '../..');
  const headers = existsSync(path.join(prefix, 'include/node/node_api.h')) && { npm_config_nodedir: prefix };
  const { status } = spawnSync('npm', [...parameters, '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: 'inherit',
    env: { MAKEFLAGS: `-j${availableParallelism()}`, ...process.env, ...headers },
  });
  if (status === 0) return;
  console.error(`
npm ${parameters.join(' ')} failed in test/platforms. To compile AWS's runtime client it needs:
  apt-get install autoconf automake libtool cmake g++ make python3`);
  process.exit(1);
}
