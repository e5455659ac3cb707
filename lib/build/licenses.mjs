// @ts-check
import { readdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

/**
 * @typedef {{ name: string, version: string, license: string, text: string, integrity: string | undefined }} Bundled
 */

/**
 * Says what of other people's is in `dist/`: the texts of their licences, and a list in CycloneDX's form that tools compare with
 * the data on known holes. Read from what esbuild put into the files, not from package.json.
 *
 * @param {readonly import('esbuild').Metafile[]} metafiles
 * @param {string} folder
 * @returns {Promise<Bundled[]>}
 * @throws {Error} if something is bundled whose licence text is not there
 */
export async function writeLicenses(metafiles, folder) {
  const bundled = await findBundled(metafiles);
  await writeFile(path.join(folder, 'THIRD-PARTY-LICENSES.txt'), licenseText(bundled));
  const own = JSON.parse(await readFile('package.json', 'utf8'));
  await writeFile(path.join(folder, 'sbom.cdx.json'), `${JSON.stringify(cycloneDx(own, bundled), undefined, 2)}\n`);
  return bundled;
}

/** @param {readonly import('esbuild').Metafile[]} metafiles @returns {Promise<Bundled[]>} */
async function findBundled(metafiles) {
  const folders = new Set();
  for (const { outputs } of metafiles)
    for (const { inputs } of Object.values(outputs))
      for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
        const [, packageFolder] = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file) ?? [];
        if (packageFolder !== undefined && bytesInOutput > 0) folders.add(packageFolder);
      }
  /** @type {{ packages: Record<string, { integrity?: string }> }} */
  const lock = JSON.parse(await readFile('package-lock.json', 'utf8'));
  const found = await Promise.all(
    [...folders].map(async (packageFolder) => {
      const { name, version, license } = await readPackage(packageFolder);
      const text = await licenseOf(packageFolder);
      return {
        name,
        version,
        license: license ?? 'NOASSERTION',
        text,
        integrity: lock.packages[packageFolder]?.integrity,
      };
    }),
  );
  // A package may be there twice, in different folders.
  const unique = new Map(found.map((each) => [`${each.name}@${each.version}`, each]));
  return [...unique.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

/** @param {string} folder @returns {Promise<string>} */
async function licenseOf(folder) {
  const own = await textsIn(folder);
  if (own !== undefined) return own;
  // Of packages that come from one repository, not each brings the text along.
  const about = await readPackage(folder);
  for (const sibling of await readdir(path.dirname(folder))) {
    const beside = path.join(path.dirname(folder), sibling);
    const { repository, license } = await readPackage(beside).catch(() => ({
      repository: undefined,
      license: undefined,
    }));
    if (about.repository?.url === undefined || repository?.url !== about.repository.url || license !== about.license)
      continue;
    const text = await textsIn(beside);
    if (text !== undefined) return text;
  }
  throw new Error(`${folder} is bundled, but neither it nor a package of the same repository holds a licence text.`);
}

/** @param {string} folder @returns {Promise<string | undefined>} */
async function textsIn(folder) {
  const files = (await readdir(folder)).filter((file) => /^(licen[cs]e|copying|notice)(\.|$)/i.test(file)).sort();
  const texts = await Promise.all(files.map((file) => readFile(path.join(folder, file), 'utf8')));
  return texts.length > 0 ? texts.map((text) => text.trim()).join('\n\n') : undefined;
}

/**
 * @param {string} folder
 * @returns {Promise<{ name: string, version: string, license?: string, repository?: { url?: string } }>}
 */
const readPackage = async (folder) => JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));

/** Packages with the same text share it. @param {Bundled[]} bundled */
function licenseText(bundled) {
  /** @type {Map<string, Bundled[]>} */
  const byText = new Map();
  for (const each of bundled) byText.set(each.text, [...(byText.get(each.text) ?? []), each]);
  const parts = [...byText].map(
    ([text, packages]) =>
      `${packages.map(({ name, version, license }) => `${name} ${version} (${license})`).join('\n')}\n\n${text}\n`,
  );
  return `The files beside this one contain code of these packages.\n\n${parts.map((part) => `${'-'.repeat(78)}\n${part}`).join('\n')}`;
}

/**
 * @param {{ name: string, version: string, license: string }} own
 * @param {Bundled[]} bundled
 * @see https://cyclonedx.org/docs/1.6/json/
 */
const cycloneDx = (own, bundled) => ({
  $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
  bomFormat: 'CycloneDX',
  specVersion: '1.6',
  version: 1,
  metadata: { component: component({ ...own, type: 'application' }) },
  components: bundled.map((each) => component({ ...each, type: 'library' })),
  dependencies: [
    { ref: purlOf(own), dependsOn: bundled.map(purlOf) },
    ...bundled.map((each) => ({ ref: purlOf(each) })),
  ],
});

/** @param {{ type: string, name: string, version: string, license: string, integrity?: string | undefined }} about */
function component({ type, name, version, license, integrity }) {
  const [group, ownName] = name.startsWith('@') ? name.split('/') : [undefined, name];
  const [algorithm, hash] = integrity?.split('-') ?? [];
  return {
    type,
    'bom-ref': purlOf({ name, version }),
    ...(group !== undefined && { group }),
    name: ownName,
    version,
    purl: purlOf({ name, version }),
    licenses: [/ (OR|AND|WITH) /.test(license) ? { expression: license } : { license: { id: license } }],
    ...(algorithm === 'sha512' && {
      hashes: [{ alg: 'SHA-512', content: Buffer.from(hash ?? '', 'base64').toString('hex') }],
    }),
  };
}

/** @param {{ name: string, version: string }} about */
const purlOf = ({ name, version }) => `pkg:npm/${name.replace('@', '%40')}@${version}`;
