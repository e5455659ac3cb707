/**
 * What README and docs say about where the code is, made from `repository` in package.json alone. A page marks the place:
 * `<!-- made: clone -->` … `<!-- /made -->`. Without a public address the pages say what to do with the folder at hand.
 */
import { readdirSync, readFileSync } from 'node:fs';

interface Package {
  name: string;
  version: string;
  private?: boolean;
  repository?: string | { url: string };
}

export const ours = JSON.parse(readFileSync('package.json', 'utf8')) as Package;

/** `https://github.com/owner/name`, from any of the spellings that npm takes; undefined without one. */
export function addressOf({ repository }: Package): string | undefined {
  const text = typeof repository === 'string' ? repository : repository?.url;
  return text
    ?.replace(/^git\+/, '')
    .replace(/^github:/, 'https://github.com/')
    .replace(/\.git$/, '');
}

/** By name; `folder` is what a page wants the clone to be called. */
const texts: Readonly<Record<string, (from: Package, folder?: string) => string>> = {
  clone(from, folder) {
    const address = addressOf(from);
    const name = folder ?? address?.split('/').at(-1) ?? '';
    return address === undefined
      ? `Copy this project's folder to your machine${folder === undefined ? '' : ` as \`${folder}\``}, and open a terminal in it.`
      : `\`\`\`sh\ngit clone ${address}${folder === undefined ? '' : ` ${folder}`}\ncd ${name}\n\`\`\``;
  },
  install(from) {
    const address = addressOf(from);
    if (!from.private) return `\`\`\`sh\nnpm install ${from.name}\n\`\`\``;
    return address === undefined
      ? `Run \`npm pack\` in this project. It makes a package, which you install in yours:\n\n\`\`\`sh\nnpm install ../${from.name}/${from.name}-${from.version}.tgz\n\`\`\``
      : `\`\`\`sh\nnpm install ${address.replace('https://github.com/', 'github:')}\n\`\`\``;
  },
  buttons(from) {
    const address = addressOf(from);
    return address === undefined ? '' : `${netlifyButton(address)} ${cloudflareButton(address)}`;
  },
  'netlify-button'(from) {
    const address = addressOf(from);
    return address === undefined ? '' : `Without a terminal: ${netlifyButton(address)}`;
  },
  'cloudflare-button'(from) {
    const address = addressOf(from);
    return address === undefined ? '' : `Without a terminal: ${cloudflareButton(address)}`;
  },
};

const netlifyButton = (address: string): string =>
  `[![Deploy to Netlify](https://www.netlify.com/img/deploy/button.svg)](https://app.netlify.com/start/deploy?repository=${address})`;
const cloudflareButton = (address: string): string =>
  `[![Deploy to Cloudflare](https://deploy.workers.cloudflare.com/button)](https://deploy.workers.cloudflare.com/?url=${address})`;

/** The pages that say where the code is. */
export const pages = ['README.md', 'CONTRIBUTING.md', ...readdirSync('docs').map((file) => `docs/${file}`)].filter(
  (file) => readFileSync(file, 'utf8').includes('<!-- made: '),
);

/** A page with what its marks stand for, in the indentation of the mark. @throws Error for a mark that nothing is made for */
export const withAddress = (page: string, from: Package = ours): string =>
  page.replace(
    /^( *)<!-- made: ([\w-]+)(?: ([\w./-]+))? -->\n[\s\S]*?^ *<!-- \/made -->$/gm,
    (_, indent: string, name: string, folder?: string) => {
      const made = texts[name];
      if (!made) throw new Error(`Nothing is made for "${name}"`);
      const text = made(from, folder);
      const lines = text === '' ? [] : ['', ...text.split('\n'), ''];
      return [`<!-- made: ${[name, folder].filter(Boolean).join(' ')} -->`, ...lines, '<!-- /made -->']
        .map((line) => (line === '' ? '' : indent + line))
        .join('\n');
    },
  );
