// @ts-check
/**
 * What beginning a login costs a cold function, as ratios in one run (the machine is noisy, absolute times mean nothing):
 * the bundled Lambda handler, as a whole process, against an empty one and against the least that the job needs.
 * Also asserts that it loads neither Node's fetch stack nor the OAuth library.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const rounds = Number(process.argv[2] ?? 61);
const folder = mkdtempSync(path.join(tmpdir(), 'bench-'));
const handler = pathToFileURL(path.resolve('dist/lambda/auth.mjs')).href;

const event = {
  rawPath: '/auth',
  rawQueryString: 'provider=github&site_id=www.example.com&scope=repo',
  headers: { 'sec-fetch-dest': 'document' },
  requestContext: { domainName: 'auth.example.com', stage: '$default', requestId: 'bench', http: { method: 'GET' } },
};
/** @type {Record<string, string>} */
const scripts = {
  empty: '',
  floor: `import { createHmac, randomBytes } from 'node:crypto';
    const key = randomBytes(32);
    const a = createHmac('sha256', key).update('state').digest('base64url');
    const b = createHmac('sha256', key).update('pkce' + a).digest('base64url');
    if (b.length !== 43) throw new Error();`,
  begin: `import { handler } from ${JSON.stringify(handler)};
    const reply = await handler(${JSON.stringify(event)});
    if (reply.statusCode !== 302 || reply.cookies.length !== 1) throw new Error(reply.body);`,
};
const loads = `import { handler } from ${JSON.stringify(handler)};
  await handler(${JSON.stringify(event)});
  const loaded = process.moduleLoadList.filter((name) => /undici|internal.deps.*fetch/.test(name));
  console.log(loaded.join());`;

const env = { PATH: process.env['PATH'] ?? '', GITHUB_CLIENT_ID: 'id' };

/**
 * From the outside, exit included, as the shell counts it: user and system time in seconds.
 *
 * @param {string} name
 */
function cpuOf(name) {
  const command = `TIMEFORMAT='%U %S'; time "${process.execPath}" "${path.join(folder, `${name}.mjs`)}" > /dev/null`;
  const [user, system] = execFileSync('bash', ['--norc', '-c', `{ ${command}; } 2>&1`], {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
    .toString()
    .trim()
    .split(' ');
  return Number(user) + Number(system);
}

/** @param {number[]} values @param {number} part */
const quantile = (values, part) => [...values].sort((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? NaN;

try {
  for (const [name, source] of Object.entries({ ...scripts, loads }))
    writeFileSync(path.join(folder, `${name}.mjs`), source);
  const loaded = execFileSync(process.execPath, [path.join(folder, 'loads.mjs')], { env })
    .toString()
    .split('\n')[1];
  if (loaded !== '') throw new Error(`Beginning a login loads ${loaded}`);

  /** @type {Record<string, number[]>} */
  const cpu = Object.fromEntries(Object.keys(scripts).map((name) => [name, []]));
  // In turn and paired: what disturbs one run of a round disturbs its neighbours.
  for (let round = 0; round < rounds; round++) for (const name of Object.keys(scripts)) cpu[name]?.push(cpuOf(name));

  /** @param {string} a @param {string} b */
  const ratio = (a, b) => {
    const ratios = (cpu[a] ?? []).map((value, i) => value / (cpu[b]?.[i] ?? NaN));
    return `${quantile(ratios, 0.5).toFixed(2)} x   (middle half ${quantile(ratios, 0.25).toFixed(2)} to ${quantile(ratios, 0.75).toFixed(2)})`;
  };
  console.log(`Cold begin, CPU of a whole process, Node ${process.version}, ${rounds} paired rounds`);
  console.log(`  begin in the Lambda bundle / least that the job needs   ${ratio('begin', 'floor')}`);
  console.log(`  least that the job needs   / an empty script            ${ratio('floor', 'empty')}`);
  console.log(`  begin in the Lambda bundle / an empty script            ${ratio('begin', 'empty')}`);
  console.log('  It loads neither the fetch stack nor the OAuth library.');
} finally {
  rmSync(folder, { recursive: true });
}
