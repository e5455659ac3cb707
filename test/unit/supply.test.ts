import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { esbuildInline } from '../../lib/build/inline.mjs';
import { writeLicenses } from '../../lib/build/licenses.mjs';

const read = <T>(file: string): T => JSON.parse(readFileSync(file, 'utf8')) as T;

interface Lock {
  packages: Record<
    string,
    { version?: string; hasInstallScript?: boolean; dev?: boolean; resolved?: string; integrity?: string }
  >;
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

/** All that is deployed or published, and the demo. */
async function bundleAll(packages: 'bundle' | 'external') {
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
    packages,
    // The demo's provider is left outside, and only a clone has it.
    external: ['oidc-provider'],
    platform: 'node',
    format: 'esm',
    mainFields: ['module', 'main'],
    write: false,
    metafile: true,
    plugins: [esbuildInline],
  });
  return metafile;
}

it('who installs the package gets nothing else: all is bundled, and versions are exact', () => {
  const { dependencies, devDependencies } = read<Record<string, Record<string, string> | undefined>>('package.json');
  expect(dependencies).toBeUndefined();
  for (const [name, version] of Object.entries(devDependencies ?? {}))
    expect(ours[`node_modules/${name}`], name).toMatchObject({ version });
});

it('the build lists what is bundled, with versions, checksums and the texts of the licences', async () => {
  const { outputs } = await bundleAll('external');
  const direct = Object.values(outputs)
    .flatMap(({ imports }) => imports.filter(({ external }) => external).map((imported) => imported.path))
    .filter((name) => !isBuiltin(name) && name !== 'oidc-provider')
    .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'));
  expect(direct).toContain('openid-client');
  const folder = await mkdtemp(path.join(tmpdir(), 'licenses-'));
  try {
    await writeLicenses([await bundleAll('bundle')], folder);
    const { components } = read<{
      components: { purl: string; version: string; hashes: { content: string }[]; licenses: object[] }[];
    }>(path.join(folder, 'sbom.cdx.json'));
    const texts = readFileSync(path.join(folder, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
    for (const name of new Set(direct)) {
      const { version, integrity = '' } = ours[`node_modules/${name}`] ?? {};
      const found = components.find(({ purl }) => purl === `pkg:npm/${name.replace('@', '%40')}@${version}`);
      expect(found, name).toMatchObject({ version, licenses: [expect.anything()] });
      expect(Buffer.from(found?.hashes[0]?.content ?? '', 'hex').toString('base64')).toBe(
        integrity.replace('sha512-', ''),
      );
      expect(texts).toContain(`${name} ${version} (`);
    }
    // What a package brings along is listed, too.
    expect(components.map(({ purl }) => purl.replace(/@[^@]*$/, ''))).toContain('pkg:npm/oauth4webapi');
    for (const author of ['Filip Skokan', 'Felix B', 'Amazon.com']) expect(texts).toContain(author);
    expect(texts).toContain('Apache License');
  } finally {
    await rm(folder, { recursive: true });
  }
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
