// @ts-check
/**
 * What stands in front of a function at Vercel, with the routes and functions of the build: there is no tool for it without an account.
 * Rewrites keep the address that the browser asked for.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

const [output = '', port] = process.argv.slice(2);
const read = (/** @type {string} */ file) => JSON.parse(readFileSync(path.join(output, file), 'utf8'));
/** @type {{ src?: string, dest?: string, status?: number }[]} */
const routes = read('config.json').routes;

/** @param {string} pathname @returns {string | undefined} the function's folder */
function find(pathname) {
  for (const { src, dest, status } of routes) {
    if (src === undefined || !new RegExp(src).test(pathname)) continue;
    if (dest?.startsWith('/api/') && !dest.includes('$')) return `functions${dest}.func`;
    if (status === 404) return undefined;
  }
  return undefined;
}

createServer(async (request, response) => {
  const folder = find((request.url ?? '').replace(/\?.*/s, ''));
  if (folder === undefined) return void response.writeHead(404).end('The page could not be found');
  const file = path.join(output, folder, read(`${folder}/.vc-config.json`).handler);
  const { default: served } = await import(pathToFileURL(path.resolve(file)).href);
  const body = await buffer(request);
  const headers = Object.entries(request.headers).map(
    ([name, value]) => /** @type {[string, string]} */ ([name, String(value)]),
  );
  const init = { method: request.method ?? 'GET', headers, body: body.length > 0 ? body : null };
  const reply = await served.fetch(new Request(`http://localhost:${port}${request.url}`, init));
  const cookies = reply.headers.getSetCookie();
  const sent = Object.fromEntries([...reply.headers].filter(([name]) => name !== 'set-cookie'));
  response.writeHead(reply.status, { ...sent, ...(cookies.length > 0 && { 'set-cookie': cookies }) });
  response.end(Buffer.from(await reply.arrayBuffer()));
}).listen(Number(port), 'localhost');
