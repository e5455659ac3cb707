// @ts-check
/**
 * What a subject can do, found by trying: nothing is believed because somebody says so. Each refusal has its control, a login
 * that is the same but for the one thing that is refused, and that has to end with a token.
 */
import { createHash } from 'node:crypto';
import vm from 'node:vm';

/**
 * @typedef {object} Subject a driver, and what is around it
 * @property {import('./drivers.mjs').Driver['begin']} begin
 * @property {import('./drivers.mjs').Driver['callback']} callback
 * @property {import('./drivers.mjs').Driver['refresh']} [refresh]
 * @property {string} origin the site that it is set up for
 * @property {string} evil one that it is not
 * @property {{ requests: Record<string, string>[] }} host that records
 *
 * @typedef {object} Capabilities
 * @property {boolean} state a login that another browser began gets no token here
 * @property {boolean} pkce the host can tell that the code comes from who began the login
 * @property {boolean} refresh a CMS gets a new token for a refresh token
 * @property {boolean | 'no page'} origin the popup gives the token to the site that it is set up for, and to no other
 */

/** @param {Subject} subject @returns {Promise<Capabilities>} */
export async function capabilities(subject) {
  const { host } = subject;
  const mine = await begin(subject);
  const theirs = await begin(subject);
  const page = await finish(subject, mine.state, mine.cookie);
  const token = tokenIn(page);
  if (token === undefined) throw new Error(`A right login gets no token: ${page}`);
  const { code_verifier: verifier = '' } = host.requests.at(-1) ?? {};

  const answers = [
    await finish(subject, theirs.state, mine.cookie),
    await finish(subject, mine.state, ''), // a browser that began nothing
  ];
  return {
    state: answers.every((answer) => tokenIn(answer) === undefined),
    pkce:
      mine.parameters.get('code_challenge_method') === 'S256' &&
      mine.parameters.get('code_challenge') === createHash('sha256').update(verifier).digest('base64url'),
    refresh: await refreshes(subject),
    origin: page.includes('<script') ? keepsToOrigin(page, token, subject) && (await keepsOut(subject)) : 'no page',
  };
}

/** @param {Subject} subject @param {string} [opener] */
async function begin(subject, opener) {
  const { location, cookie } = await subject.begin(opener);
  // Who is refused before the host is asked is sent nowhere.
  const parameters = new URL(location || 'nowhere:').searchParams;
  return { parameters, state: parameters.get('state'), cookie };
}

let codes = 0;

/** @param {Subject} subject @param {string | null} state @param {string} cookie @returns {Promise<string>} the page */
async function finish({ callback }, state, cookie) {
  const query = new URLSearchParams({ code: `code${++codes}`, ...(state !== null && { state }) });
  const { body } = await callback(query.toString(), cookie);
  return body;
}

/** @param {string} text */
const tokenIn = (text) => /gho_\w+/.exec(text)?.[0];

/**
 * The ways in which CMSs ask, each a script on the CMS page: Decap's, and Sveltia's for GitHub.
 *
 * @param {string} token
 */
const renewals = (token) => [
  { path: '/auth/refresh', query: `provider=github&site_id=www.example.com&refresh_token=${token}` },
  {
    path: '/auth/github/access_token',
    json: JSON.stringify({ grant_type: 'refresh_token', client_id: '', refresh_token: token }),
  },
];

/** @param {Subject} subject */
async function refreshes({ refresh, origin }) {
  for (const how of renewals('ghr_old')) {
    const answer = await refresh?.(origin, how);
    if (answer?.status === 200 && tokenIn(answer.body) !== undefined) return true;
  }
  return false;
}

/** @param {string} page @param {string} token @param {Subject} subject */
function keepsToOrigin(page, token, { origin, evil }) {
  const [result = ''] = play(page, origin).filter((message) => message.includes(token));
  const [, json = '{}'] = /^authorization:github:success:(.+)$/.exec(result) ?? [];
  if (JSON.parse(json).token !== token) throw new Error(`The site itself gets no token: ${page}`);
  // The second is for lists that look at the beginning only.
  return ![evil, `${origin}.evil.example`].some((other) =>
    play(page, other).some((message) => message.includes(token)),
  );
}

/** Whether a login that a page on another site has begun ends without a token for it. @param {Subject} subject */
async function keepsOut(subject) {
  const { state, cookie } = await begin(subject, subject.evil);
  const page = await finish(subject, state, cookie);
  const token = tokenIn(page);
  return token === undefined || !play(page, subject.evil).some((message) => message.includes(token));
}

/**
 * Runs a popup's page, opened by a page of some origin that plays the CMS's part.
 *
 * @param {string} page
 * @param {string} origin
 * @returns {string[]} what that page gets to hear
 */
function play(page, origin) {
  /** @type {string[]} */
  const heard = [];
  const opener = {
    /** @param {unknown} message @param {string | { targetOrigin?: string }} target */
    postMessage(message, target) {
      // What is meant for another origin, the browser drops.
      const meant = typeof target === 'object' ? target.targetOrigin : target;
      if (meant === '*' || meant === origin)
        heard.push(typeof message === 'string' ? message : JSON.stringify(message));
    },
  };
  /** @type {Set<(event: object) => void>} */
  const listeners = new Set();
  /** @type {Record<string, unknown>} */
  const byId = {};
  const scripts = [];
  for (const [, attributes = '', text = ''] of page.matchAll(/<script([^>]*)>([^]*?)<\/script>/g)) {
    const id = /id="(.*?)"/.exec(attributes)?.[1];
    if (id !== undefined) byId[id] = { textContent: text, remove() {} };
    if (!attributes.includes('json')) scripts.push(text);
  }

  /** @type {Record<string, unknown>} */
  const window = vm.createContext({
    opener,
    document: playing({
      getElementById: (/** @type {string} */ id) => byId[id] ?? anything,
      querySelector: (/** @type {string} */ selector) =>
        selector.startsWith('script') ? (Object.values(byId)[0] ?? anything) : anything,
    }),
    history: anything,
    location: new URL('https://auth.example.com/callback'),
    console: anything,
    setTimeout: anything, // nobody waits here
    addEventListener(/** @type {string} */ type, /** @type {() => void} */ listener) {
      if (type === 'message') listeners.add(listener);
    },
    removeEventListener: (/** @type {string} */ _, /** @type {() => void} */ listener) => listeners.delete(listener),
  });
  window['window'] = window;
  for (const script of scripts) vm.runInContext(script, window);

  // The CMS repeats what it hears; somebody else does so unasked.
  for (const listener of listeners) listener({ data: 'authorizing:github', origin, source: opener });
  return heard;
}

/**
 * Every element, list and method that a page may touch: whatever is asked of it, it is that, and nothing comes of it.
 *
 * @type {any}
 */
const anything = new Proxy(() => {}, {
  get(_, name) {
    if (name === Symbol.iterator) return () => [].values();
    return name === Symbol.toPrimitive ? () => '' : anything;
  },
  set: () => true,
  apply: () => anything,
});

/** @param {Record<string, unknown>} own */
const playing = (own) => new Proxy(own, { get: (_, name) => own[String(name)] ?? anything });
