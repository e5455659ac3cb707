// @ts-check
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { platforms } from './targets.mjs';

/** The types of one function on a platform: what its shell gives. @param {string} name @param {import('./targets.mjs').Target} target */
const functionTypes = (name, { label, exported, paths }) =>
  [
    `import { ${name} } from './platforms/${name}.js';`,
    `export type * from './platforms/${name}.js';`,
    `/** A function for ${label}. */`,
    exported === undefined
      ? `declare const handler: ReturnType<typeof ${name}>;\nexport default handler;`
      : `export declare const ${exported}: ReturnType<typeof ${name}>;`,
    ...(paths
      ? [
          `/** ${label} reads this from your own file without running it: write it out there. */`,
          'export declare const config: { path: string[] };',
        ]
      : []),
  ].join('\n');

/** What the package exports, by the file in dist/types, and where that comes from. */
const entries = {
  'index.d.mts': { source: 'index', text: `export * from './index.js';` },
  ...Object.fromEntries(
    Object.entries(platforms)
      .filter(([, target]) => 'login' in target)
      .map(([name, target]) => [`${name}.d.mts`, { source: `platforms/${name}`, text: functionTypes(name, target) }]),
  ),
};

/**
 * The types of what the package exports, as the compiler makes them of the sources: those files alone that are reached from there.
 *
 * @param {string} folder
 */
export async function writeTypes(folder) {
  const made = await mkdtemp(path.join(tmpdir(), 'types-'));
  try {
    await compile(made);
    const wanted = Object.values(entries).map(({ source }) => `${source}.d.ts`);
    const copied = new Set();
    for (let file = wanted.pop(); file !== undefined; file = wanted.pop()) {
      if (copied.has(file)) continue;
      copied.add(file);
      // The compiler leaves the names of the sources in what it declares.
      const text = (await readFile(path.join(made, file), 'utf8')).replace(
        /(['"])(\.{1,2}\/[^'"]*)\.ts\1/g,
        '$1$2.js$1',
      );
      for (const [, target] of text.matchAll(/['"](\.{1,2}\/[^'"]*)\.js['"]/g))
        wanted.push(path.join(path.dirname(file), `${target}.d.ts`));
      await mkdir(path.join(folder, path.dirname(file)), { recursive: true });
      await writeFile(path.join(folder, file), text);
    }
    for (const [name, { text }] of Object.entries(entries)) await writeFile(path.join(folder, name), `${text}\n`);
  } finally {
    await rm(made, { recursive: true });
  }
}

/** @param {string} folder */
async function compile(folder) {
  const config = path.join(folder, 'tsconfig.json');
  await writeFile(
    config,
    JSON.stringify({
      extends: path.resolve('tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        emitDeclarationOnly: true,
        allowJs: false,
        checkJs: false,
        rootDir: path.resolve('lib'),
        outDir: folder,
        typeRoots: [path.resolve('node_modules/@types')],
      },
      include: [],
      exclude: [],
      files: [
        path.resolve('lib/build/inline.d.ts'),
        ...Object.values(entries).map(({ source }) => path.resolve(`lib/${source}.ts`)),
      ],
    }),
  );
  await promisify(execFile)(process.execPath, [path.resolve('node_modules/typescript/bin/tsc'), '-p', config]).catch(
    (/** @type {{ stdout: string }} */ { stdout }) => {
      throw new Error(`The types of the package cannot be made:\n${stdout}`);
    },
  );
}
