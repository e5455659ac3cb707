/** Serves a CMS's admin page, its config and its files: as a site of its own, or below a path of another server. */
import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { extname, join } from 'node:path';
import { listen, requestUrl, send, type ListenOptions } from '../hosts/http.ts';
import { cmsBundle, type Published, type Widget } from './bundles.ts';
import { adminPage, configYml, type CmsConfig } from './page.ts';

/** True if it has answered. */
export type Mounted = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

export interface CmsOptions {
  cms: Published;
  /** Read for each request: the addresses in it are often known only after this server has got its own. */
  config: CmsConfig;
  /** Where the pages are mounted, with a slash at both ends. Default: `/` */
  path?: string;
  /** Netlify Identity's login window, if the page has it. */
  identity?: Widget;
  /** More headers for the admin page, such as Cross-Origin-Opener-Policy. */
  headers?: Record<string, string>;
  /** The project, for the cache of bundles. */
  root?: string;
}

/**
 * The CMSs fetch fonts, icons and a status report from the internet. This keeps them from it, in tests and in the demo:
 * scripts and styles from here only, connections to this computer only. `unsafe-eval` is what Decap compiles schemas with.
 */
const policy = [
  "default-src 'self' data: blob: 'unsafe-inline' 'unsafe-eval'",
  "connect-src 'self' data: blob: http://localhost:* http://127.0.0.1:* https://127.0.0.1:*",
  "img-src 'self' data: blob: http://localhost:* http://127.0.0.1:* https://127.0.0.1:*",
  "base-uri 'none'",
].join('; ');

const types: Record<string, string> = {
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.wasm': 'application/wasm',
  '.woff2': 'font/woff2',
};

export function cmsPages({ cms, config, path = '/', headers = {}, identity, root }: CmsOptions): Mounted {
  return async (request, response) => {
    const { pathname } = requestUrl(request, 'http://localhost');
    if (request.method !== 'GET' || !`${pathname}/`.startsWith(path)) return false;
    // Config and script are named relative to the page, so the slash matters.
    if (`${pathname}/` === path) {
      response.writeHead(302, { Location: path }).end();
      return true;
    }
    const name = pathname.slice(path.length);
    if (name === '' || name === 'config.yml') response.setHeader('Cache-Control', 'no-store');
    if (name === '') {
      const { script } = await cmsBundle(cms, root);
      for (const [header, value] of Object.entries(headers)) response.setHeader(header, value);
      response.setHeader('Content-Security-Policy', policy);
      const widget = identity && `widget/${(await cmsBundle(identity, root)).script}`;
      send(response, 200, 'text/html; charset=utf-8', adminPage(cms, `bundle/${script}`, widget));
      return true;
    }
    if (name === 'config.yml') {
      send(response, 200, 'text/yaml; charset=utf-8', configYml(config));
      return true;
    }
    const [folder, ...file] = name.split('/');
    if (folder === 'widget' && identity) return sendFile(response, identity, file.join('/'), root);
    return folder === 'bundle' && sendFile(response, cms, file.join('/'), root);
  };
}

async function sendFile(response: ServerResponse, cms: Published | Widget, name: string, root: string | undefined) {
  const type = types[extname(name)];
  // The URL parser has removed dots already; encoded ones stay encoded and name no file.
  if (type === undefined || name.includes('..') || name.includes('\\')) return false;
  const { directory } = await cmsBundle(cms, root);
  const content = await readFile(join(directory, name)).catch(() => undefined);
  if (content === undefined) return false;
  // The bundle is pinned, but the same port may serve another CMS tomorrow.
  response.setHeader('Cache-Control', 'max-age=600');
  send(response, 200, type, content);
  return true;
}

export interface SiteOptions extends ListenOptions, CmsOptions {
  /** What else the site answers, such as Netlify Identity below a path of it. */
  besides?: Mounted;
}

export async function startCmsSite({ port, host = 'localhost', besides, ...options }: SiteOptions) {
  // Before anybody waits for a page, and so that being offline shows here rather than in a browser.
  await cmsBundle(options.cms, options.root);
  if (options.identity) await cmsBundle(options.identity, options.root);
  const pages = cmsPages(options);
  return listen(
    async (request, response) => {
      if ((await besides?.(request, response)) || (await pages(request, response))) return;
      send(response, 404, 'text/plain', 'Not found');
    },
    { host, ...(port !== undefined && { port }) },
  );
}
