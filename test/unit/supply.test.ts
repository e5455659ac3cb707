import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { esbuildInline } from '../../lib/build/inline.mjs';

const read = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;

it('nothing is installed at run time, and one package alone has an install script, which is not needed', () => {
  expect(read<object>('package.json')).not.toHaveProperty('dependencies');
  const { packages } = read<{
    packages: Record<string, { hasInstallScript?: boolean; dev?: boolean; resolved?: string }>;
  }>('package-lock.json');
  const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
  expect(scripted.map(([name]) => name).filter((name) => !/esbuild|fsevents/.test(name))).toEqual([]);
  expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
});

it('what is bundled is ours, the OAuth library and the AWS SDK, and nothing in it makes code of text', async () => {
  const bundle = (entry: string) =>
    build({
      entryPoints: [entry],
      bundle: true,
      platform: 'node',
      format: 'esm',
      mainFields: ['module', 'main'],
      write: false,
      metafile: true,
      plugins: [esbuildInline],
    });
  const hop = await bundle('functions/auth.ts');
  const packages = Object.keys(hop.metafile.inputs).flatMap(
    (name) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? [],
  );
  // jose is named by openid-client, and nothing of it is left in the output.
  const used = Object.values(hop.metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([name, { bytesInOutput }]) => (bytesInOutput > 0 ? [name] : [])),
  );
  expect(new Set(packages)).toContain('openid-client');
  expect(
    used.filter((name) => name.includes('node_modules')).filter((name) => !/openid-client|oauth4webapi/.test(name)),
  ).toEqual([]);
  const store = await bundle('lib/settings/ssm.ts');
  for (const { text } of [...hop.outputFiles, ...store.outputFiles])
    expect(text).not.toMatch(/\beval\(|new Function\(|\bFunction\(["'`]/);
});
