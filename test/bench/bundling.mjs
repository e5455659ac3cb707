// @ts-check
/** How everything that runs is bundled, and weighed. */
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

/** As in `lib/build/build.mjs`. */
export const bundling = /** @satisfies {import('esbuild').BuildOptions} */ ({
  bundle: true,
  platform: /** @type {const} */ ('node'),
  format: /** @type {const} */ ('esm'),
  target: 'node20',
  minify: true,
  charset: /** @type {const} */ ('ascii'),
  legalComments: /** @type {const} */ ('none'),
  mainFields: ['module', 'main'],
  logLevel: /** @type {const} */ ('error'),
});

/** Each file packed by itself. @param {readonly string[]} files */
export async function weigh(files) {
  const contents = await Promise.all(files.map((file) => readFile(file)));
  /** @param {(content: Buffer) => number} size */
  const sum = (size) => contents.reduce((total, content) => total + size(content), 0);
  return { bytes: sum((content) => content.length), gzip: sum((content) => gzipSync(content).length) };
}
