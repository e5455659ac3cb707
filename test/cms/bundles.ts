/**
 * The CMSs themselves, as published. They are large and not ours, so they are fetched on first use instead of being
 * kept here; their version and their exact bytes are pinned, because we are about to run them.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Those that every test of whole logins plays. */
export type CmsName = 'decap' | 'netlify' | 'sveltia';
/** Static CMS is not developed any more; it is here because its handshake is a variant of Decap's. */
export type Published = CmsName | 'static' | EarlierSveltia;
/** Sveltia CMS changes what it asks GitHub for from time to time. These have all there was. */
export type EarlierSveltia = 'sveltia-0.212' | 'sveltia-0.150' | 'sveltia-0.105';
/** The login window of Netlify Identity: the one that sites load from `identity.netlify.com/v1/`, and its successor. */
export type Widget = 'widget-v1' | 'widget-v2';

interface Release {
  package: string;
  version: string;
  /** sha512 of the tarball, in base64. */
  sha512: string;
  /** The script that a page loads, which finds its other files beside itself. */
  script: string;
  /** Folders of the tarball that a browser may ask for. */
  folders: string[];
}

const sveltia = (version: string, sha512: string, folders = ['dist']): Release => ({
  package: '@sveltia/cms',
  version,
  sha512,
  script: 'dist/sveltia-cms.js',
  folders,
});

const releases: Record<Published | Widget, Release> = {
  decap: {
    package: 'decap-cms',
    version: '3.16.3',
    sha512: 'hf+dPlCh7TJmWl8+6VRzHYOWhri5xgUknrZbDewaWe4s9B7xJ8PQugp2QHeSldMUKzav6+z0oIpwUYhUJDYtYw==',
    script: 'dist/decap-cms.js',
    folders: ['dist'],
  },
  netlify: {
    package: 'netlify-cms',
    version: '2.10.192',
    sha512: 'Bh0MH4w4rELSswBi+insLfKgHd80Jx43bhyZiMU9j1aCv+WEQqw9ZNu/0cqitCZP72VDyI5OSn8112DaZd5bYQ==',
    script: 'dist/netlify-cms.js',
    folders: ['dist'],
  },
  static: {
    package: '@staticcms/app',
    version: '4.3.0',
    sha512: 'qYzl/IjnTdlLLaiRyiVKU0MfdQIoVFDD8QFbKwudHluq1Gf2drzXHI1NcbIZtFtqtCXw91OKbdY7KSjeSP6j6Q==',
    script: 'dist/static-cms-app.js',
    folders: ['dist'],
  },
  sveltia: sveltia(
    '0.221.1',
    'J+Qoik9kGMk2L7vNpOQrnDmFRi+NB6vwJ0f657YtsxWH0P8WYSYRRSRC2pQ/jGGbVlM//Pg/WIgmkpswqoo3gQ==',
    // The second one for its icon font, which the script would otherwise load from a CDN.
    ['dist', 'npm/assets'],
  ),
  'sveltia-0.212': sveltia(
    '0.212.1',
    'd2G9P+20UC/35lkRPIXTLLXZVkV//9Jf1GwvXMvBBmM0KIvXHxV2DgIzl+lB4ngDK6Li0U6CaSgR2sJx9ms2MQ==',
  ),
  'sveltia-0.150': sveltia(
    '0.150.1',
    'KyApLYitlcap+ENBi2FEOkcoU4HDN+ura3f0cw+rVSz752wJwMeZd93ai4L6DP35uTmAtrFm0h1mHUfaSRCjfw==',
  ),
  'sveltia-0.105': sveltia(
    '0.105.6',
    'Whd/ghCoXgOKhayCHSSpESgUTTnBjSvT2XPX7CwFke8xzULNzoeMdPnTy3jw3GPXt2Q9HJ57aLyL6+v3l1I9hA==',
  ),
  'widget-v1': {
    package: 'netlify-identity-widget',
    version: '1.9.2',
    sha512: 'IbS1JHhs7BflCCvp3C9f6tmNSZqbyBhZ4Gs5+Qxt4IlPybTOVv0PqJ4TAsA7uxh1R+oXOAmk0OOMAkEaPYeCtA==',
    script: 'build/netlify-identity-widget.js',
    folders: ['build'],
  },
  'widget-v2': {
    package: 'netlify-identity-widget',
    version: '2.0.3',
    sha512: 'kJxVUp3frEEN5cON/JDZKiyKwXB5NaFIGmBjqhAbOPCr483g9yhdjBWkXmYX9g8S6lKOSYi98gF8ROCrUK7tvw==',
    script: 'build/netlify-identity-widget.js',
    folders: ['build'],
  },
};

export interface Bundle {
  name: string;
  version: string;
  /** Everything below it may be served. */
  directory: string;
  /** Path of the script, relative to the directory. */
  script: string;
}

/** The files of a CMS or a widget: from the cache below `root`, or else from the registry that npm is set up for. */
export async function cmsBundle(cms: Published | Widget, root = process.cwd()): Promise<Bundle> {
  const { package: name, version, sha512, script, folders } = releases[cms];
  const cache = join(root, '.cache', 'cms');
  const directory = join(cache, `${cms}-${version}`);
  const bundle = { name, version, directory, script };
  if (existsSync(directory)) return bundle;

  await mkdir(cache, { recursive: true });
  // Put together in a folder of its own and then renamed: what has the final name is complete, also if we are
  // interrupted, and two processes at once do not meet.
  const work = await mkdtemp(join(cache, `${cms}-`));
  try {
    await pack(`${name}@${version}`, work, cache);
    const tarball = (await readdir(work)).find((file) => file.endsWith('.tgz')) ?? '';
    await verify(join(work, tarball), `${name}@${version}`, sha512);
    const unpacked = join(work, 'package');
    const wanted = folders.map((folder) => `package/${folder}`);
    // Relative names: to some versions of tar the colon in C:\… means another computer.
    await run('tar', ['-xzf', tarball, '--exclude', '*.map', ...wanted], { cwd: work });
    await rename(unpacked, directory).catch((error: unknown) => {
      // Somebody else was faster, with the same bytes.
      if (!existsSync(directory)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return bundle;
}

const run = promisify(execFile);

/** By npm, so that the registry, proxy and certificates are those of the user. It runs none of the package's scripts. */
async function pack(specifier: string, destination: string, cwd: string) {
  const options = ['--ignore-scripts', '--fetch-retries=1', '--pack-destination', destination];
  try {
    // npm is a script on Windows, which needs a shell; nothing here comes from outside.
    await run('npm', ['pack', specifier, ...options], { cwd, shell: process.platform === 'win32' });
  } catch (cause) {
    const reason = `Could not fetch ${specifier}. The first run needs the npm registry; later ones use .cache/cms.`;
    throw new Error(reason, { cause });
  }
}

async function verify(file: string, specifier: string, expected: string) {
  const actual = createHash('sha512')
    .update(await readFile(file))
    .digest('base64');
  if (actual !== expected) {
    throw new Error(`${specifier} is not what it was: its sha512 is ${actual}, expected ${expected}. It was not used.`);
  }
}
