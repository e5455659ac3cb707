// @ts-check
/** Many editors at once, each of whom asks for what Decap CMS has asked for in Chromium: that many browsers this machine cannot run. */
import { Agent, request } from 'node:http';

/** What a browser opens to one host by HTTP/1.1. */
const connections = 6;

/**
 * @typedef {object} Asked
 * @property {string} path below the API's root, with its query
 * @property {boolean} preflight whether it is the browser's own question before a call
 * @property {string} [accept]
 *
 * @param {object} visit
 * @param {string} visit.root of the API
 * @param {string} visit.origin of the CMS page
 * @param {readonly Asked[]} visit.asked in the order in which it was sent
 * @param {readonly string[]} visit.tokens one for each editor
 * @returns {Promise<number[]>} for each editor, the milliseconds until all was answered
 */
export async function visitByMany({ root, origin, asked, tokens }) {
  const began = performance.now();
  return Promise.all(
    tokens.map(async (token) => {
      const agent = new Agent({ keepAlive: true, maxSockets: connections });
      let next = 0;
      const lane = async () => {
        for (let one = asked[next++]; one; one = asked[next++]) await ask(root, origin, agent, one, token);
      };
      await Promise.all(Array.from({ length: connections }, lane));
      agent.destroy();
      return performance.now() - began;
    }),
  );
}

/** @param {string} root @param {string} origin @param {Agent} agent @param {Asked} asked @param {string} token */
const ask = (root, origin, agent, { path, preflight, accept = '*/*' }, token) =>
  new Promise((resolve, reject) => {
    const own = preflight
      ? { 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization,content-type' }
      : { authorization: `token ${token}`, 'content-type': 'application/json; charset=utf-8' };
    const method = preflight ? 'OPTIONS' : 'GET';
    request(root + path, { method, agent, headers: { origin, accept, ...own } }, (answer) => {
      // A folder that is not there yet is one of the questions.
      const isWell = (answer.statusCode ?? 0) < 300 || answer.statusCode === 404;
      answer
        .resume()
        .on('end', () => (isWell ? resolve(undefined) : reject(new Error(`${answer.statusCode} ${path}`))));
    })
      .on('error', reject)
      .end();
  });
