// @ts-check
/**
 * Begins a login and plays the Git host, which sends the browser back at once.
 *
 * @param {import('./drivers.mjs').Driver['begin']} begin as far as the host, in one request or in two
 * @returns {Promise<{ query: string; cookie: string }>} what the browser brings to the callback
 */
export async function logIn(begin) {
  const { location, cookie } = await begin();
  const state = new URL(location).searchParams.get('state');
  return { query: `code=code${state === null ? '' : `&state=${encodeURIComponent(state)}`}`, cookie };
}
