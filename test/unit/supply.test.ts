import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { esbuildInline } from '../../lib/build/inline.mjs';

const read = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;

interface Lock {
  packages: Record<string, { version?: string; hasInstallScript?: boolean; dev?: boolean; resolved?: string }>;
}

const ours = read<Lock>('package-lock.json').packages;

it('one package alone has an install script, which is not needed, and no lock file names a registry', () => {
  const scripted = Object.entries(ours).filter(([, { hasInstallScript }]) => hasInstallScript);
  expect(scripted.map(([name]) => name).filter((name) => !/esbuild|fsevents/.test(name))).toEqual([]);
  for (const file of ['package-lock.json', 'lib/build/firebase/package-lock.json']) {
    const { packages } = read<Lock>(file);
    expect(Object.values(packages).filter(({ resolved }) => resolved !== undefined)).toEqual([]);
  }
});

it('what is bundled, and nothing else, is a dependency: `npm audit --omit=dev` sees it', async () => {
  const folder = async (name: string) => (await readdir(name)).map((file) => path.join(name, file));
  const { metafile } = await build({
    entryPoints: [
      ...(await folder('functions')),
      ...(await folder('lib/platforms')),
      ...(await folder('lib/cli')),
      'lib/config/ssm.ts',
      'lib/config/credentials.ts',
      'test/demo/demo.ts',
    ],
    outdir: 'out',
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    write: false,
    metafile: true,
    plugins: [esbuildInline],
  });
  const bundled = Object.values(metafile.outputs)
    .flatMap(({ imports }) => imports.filter(({ external }) => external).map((imported) => imported.path))
    // The demo's provider is left outside, and only a clone has it.
    .filter((name) => !isBuiltin(name) && name !== 'oidc-provider')
    .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
  const { dependencies } = read<{ dependencies: Record<string, string> }>('package.json');
  expect(Object.keys(dependencies).toSorted()).toEqual([...new Set(bundled)].toSorted());
  for (const [name, version] of Object.entries(dependencies))
    expect(ours[`node_modules/${name}`], name).toMatchObject({ version });
  for (const name of bundled) expect(ours[`node_modules/${name}`]?.dev, name).toBeUndefined();
});

it('what Google installs beside the function on Firebase is locked', () => {
  const { dependencies } = read<{ dependencies: Record<string, string> }>('lib/build/firebase/package.json');
  const { packages } = read<Lock>('lib/build/firebase/package-lock.json');
  expect(packages['']).toMatchObject({ dependencies });
  for (const [name, version] of Object.entries(dependencies))
    expect(packages[`node_modules/${name}`]).toMatchObject({ version });
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
  const loginServer = await bundle('functions/auth.ts');
  const packages = Object.keys(loginServer.metafile.inputs).flatMap(
    (name) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? [],
  );
  // jose is named by openid-client, and nothing of it is left in the output.
  const used = Object.values(loginServer.metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([name, { bytesInOutput }]) => (bytesInOutput > 0 ? [name] : [])),
  );
  expect(new Set(packages)).toContain('openid-client');
  expect(
    used.filter((name) => name.includes('node_modules')).filter((name) => !/openid-client|oauth4webapi/.test(name)),
  ).toEqual([]);
  const store = await bundle('lib/config/ssm.ts');
  for (const { text } of [...loginServer.outputFiles, ...store.outputFiles])
    expect(text).not.toMatch(/\beval\(|new Function\(|\bFunction\(["'`]/);
});

it('login and gateway are apart: neither carries anything of the other', async () => {
  const rooms = async (entry: string) => {
    const { metafile } = await build({
      entryPoints: [entry],
      bundle: true,
      platform: 'node',
      format: 'esm',
      write: false,
      outdir: 'out',
      metafile: true,
      plugins: [esbuildInline],
    });
    const files = Object.keys(metafile.inputs);
    return { files, rooms: new Set(files.flatMap((file) => /^lib\/([\w-]+)\//.exec(file)?.[1] ?? [])) };
  };
  const ofGateway = await rooms('functions/gateway.ts');
  expect(ofGateway.rooms).toContain('gateway');
  expect(ofGateway.rooms).not.toContain('login');
  for (const name of ['auth', 'github', 'gitlab', 'bitbucket']) {
    const { files, rooms: ofLogin } = await rooms(`functions/${name}.ts`);
    expect(ofLogin).toContain('login');
    expect(ofLogin).not.toContain('gateway');
    expect(files.filter((file) => /oauth\/(discovery|connect)|http\/cors/.test(file))).toEqual([]);
  }
});
