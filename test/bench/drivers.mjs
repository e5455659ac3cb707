// @ts-check
/**
 * One way to call each kind of handler. All send the same requests and hand back the same parts of the answers, so that a
 * subject is its kind, its handler and its paths. They run inside what is timed, so they do next to nothing: an event, a
 * request, a pair of `req` and `res` is the least that the kind can be called with.
 *
 * @typedef {object} Answer
 * @property {number} status
 * @property {string} [location]
 * @property {readonly string[]} cookies `Set-Cookie` values
 * @property {string} body
 *
 * @typedef {object} Ask
 * @property {'GET' | 'POST'} method
 * @property {string} path
 * @property {string} query
 * @property {Record<string, string>} headers
 * @property {string} [cookie]
 * @property {string} [body]
 *
 * @typedef {object} Paths
 * @property {string} [beginPath]
 * @property {string} [callbackPath]
 *
 * @typedef {ReturnType<typeof driver>} Driver
 */

const domainName = 'auth.example.com';
const beginning = 'provider=github&site_id=www.example.com&scope=repo';
const navigation = { host: domainName, 'sec-fetch-dest': 'document' };

/**
 * @param {(ask: Ask) => Promise<Answer>} send
 * @param {Paths} paths
 */
const driver = (send, { beginPath = '/auth', callbackPath = '/callback' }) => ({
  /** A browser that the CMS sends to log in, as far as its first request. */
  async ask() {
    const answer = await send({ method: 'GET', path: beginPath, query: beginning, headers: navigation });
    const cookie = answer.cookies.map((one) => one.split(';', 1)[0]).join('; ');
    const [, next] = /"next":"(.*?)"/.exec(answer.body) ?? [];
    return { location: answer.location ?? '', cookie, next };
  },

  /**
   * The same as far as the Git host: with a second request, where the first answer is a page that asks who opened it.
   *
   * @param {string} [opener] the origin of the page that did
   */
  async begin(opener = 'https://www.example.com') {
    const { location, cookie, next } = await this.ask();
    if (next === undefined) return { location, cookie };
    const [, path = '', query = ''] = /^https?:\/\/[^/]+([^?]*)\?(.*)$/.exec(next.replaceAll('\\u0026', '&')) ?? [];
    const second = { path, query: query + encodeURIComponent(opener), headers: navigation, cookie };
    const answer = await send({ method: 'GET', ...second });
    return { location: answer.location ?? '', cookie };
  },

  /** The same browser when it comes back from the Git host. @param {string} query @param {string} cookie */
  async callback(query, cookie) {
    const { status, body } = await send({ method: 'GET', path: callbackPath, query, headers: navigation, cookie });
    return { status, body };
  },

  /**
   * A script on the CMS page that asks for a new token.
   *
   * @param {string} origin
   * @param {{ path: string, query?: string, json?: string }} how
   */
  async refresh(origin, { path, query = '', json = '' }) {
    const type = json === '' ? {} : { 'content-type': 'application/json' };
    const headers = { host: domainName, origin, 'sec-fetch-dest': 'empty', ...type };
    const { status, body } = await send({ method: 'POST', path, query, headers, body: json });
    return { status, body };
  },
});

/**
 * API Gateway's payload format 2.0.
 *
 * @param {(event: any, context: any) => Promise<any>} handler
 * @param {Paths} [paths]
 * @returns {Driver}
 */
export const lambda = (handler, paths = {}) =>
  driver(async ({ method, path, query, headers, cookie, body }) => {
    const event = {
      version: '2.0',
      routeKey: '$default',
      rawPath: path,
      rawQueryString: query,
      headers,
      requestContext: { domainName, stage: '$default', requestId: 'bench', http: { method, path } },
      isBase64Encoded: false,
      ...(cookie && { cookies: cookie.split('; ') }),
      ...(body && { body }),
    };
    const answer = (await handler(event, {})) ?? { statusCode: 404 }; // Octokit's, on paths that are not its own
    const location = answer.headers?.location ?? answer.headers?.Location;
    return { status: answer.statusCode, location, cookies: answer.cookies ?? [], body: answer.body ?? '' };
  }, paths);

/**
 * A fetch handler.
 *
 * @param {(request: Request) => Response | Promise<Response>} handler
 * @param {Paths} [paths]
 * @returns {Driver}
 */
export const web = (handler, paths = {}) =>
  driver(async ({ method, path, query, headers, cookie, body }) => {
    const request = new Request(`https://${domainName}${path}${query && '?'}${query}`, {
      method,
      headers: cookie ? { ...headers, cookie } : headers,
      ...(body && { body }),
    });
    const answer = await handler(request);
    return {
      status: answer.status,
      location: answer.headers.get('location') ?? '',
      cookies: answer.headers.getSetCookie(),
      body: answer.body ? await answer.text() : '',
    };
  }, paths);

/**
 * A listener of node:http, with as much of `req` and `res` as one that only sets headers and ends can see.
 *
 * @param {(req: any, res: any) => void | Promise<void>} handler
 * @param {Paths} [paths]
 * @returns {Driver}
 */
export const node = (handler, paths = {}) =>
  driver(
    ({ method, path, query, headers, cookie, body }) =>
      new Promise((resolve, reject) => {
        const req = {
          method,
          url: `${path}${query && '?'}${query}`,
          headers: cookie ? { ...headers, cookie } : headers,
          async *[Symbol.asyncIterator]() {
            if (body) yield Buffer.from(body);
          },
        };
        /** @type {Record<string, any>} */
        const sent = {};
        const res = {
          statusCode: 200,
          /** @param {string} name @param {string | string[]} value */
          setHeader(name, value) {
            sent[name.toLowerCase()] = value;
          },
          /** @param {number} status @param {Record<string, string | string[]>} more */
          writeHead(status, more = {}) {
            res.statusCode = status;
            for (const name in more) sent[name.toLowerCase()] = more[name];
            return res;
          },
          end(text = '') {
            const { location, 'set-cookie': cookies = [] } = sent;
            resolve({ status: res.statusCode, location, cookies: [cookies].flat(), body: String(text) });
          },
        };
        Promise.resolve(handler(req, res)).catch(reject);
      }),
    paths,
  );
