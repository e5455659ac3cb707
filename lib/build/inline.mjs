// @ts-check
import { createHash } from 'node:crypto';
import path from 'node:path';
import { build } from 'esbuild';

/**
 * What `import x from './file?inline'` stands for: the script or style sheet, bundled alone and minified, as text, with its
 * hash for the Content-Security-Policy. Build and tests use this one function, so they serve the same bytes.
 *
 * @param {string} file
 */
async function inlineModule(file) {
  const result = await build({
    entryPoints: [file],
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2020',
    charset: 'ascii',
  });
  const text = result.outputFiles[0]?.text.trim() ?? '';
  const hash = `sha256-${createHash('sha256').update(text).digest('base64')}`;
  return `export default ${JSON.stringify({ text, hash })};`;
}

/** @type {import('esbuild').Plugin} */
export const esbuildInline = {
  name: 'inline',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /\?inline$/ }, ({ path: name, resolveDir }) => ({
      path: path.resolve(resolveDir, name.replace(/\?inline$/, '')),
      namespace: 'inline',
    }));
    onLoad({ filter: /.*/, namespace: 'inline' }, async ({ path: file }) => ({
      contents: await inlineModule(file),
      loader: 'js',
      watchFiles: [file],
    }));
  },
};

const marked = /^\0inline:(.*)\.js$/s;

/** The same for vitest. Its names end in `.js`, since Vite would see to a style sheet in its own way. */
export const viteInline = {
  name: 'inline',
  enforce: /** @type {const} */ ('pre'),
  /** @param {string} name @param {string | undefined} importer */
  resolveId: (name, importer) =>
    importer && name.endsWith('?inline')
      ? `\0inline:${path.resolve(path.dirname(importer), name.replace(/\?inline$/, ''))}.js`
      : undefined,
  /** @param {string} id */
  load: (id) => {
    const [, file] = marked.exec(id) ?? [];
    return file === undefined ? undefined : inlineModule(file);
  },
};
