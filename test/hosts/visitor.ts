/** Somebody with a browser at the OpenID provider: follows what it says, keeps its cookies, and says who they are. */

/**
 * @param address where the sign-in sent the browser
 * @param who one of the provider's people, or '' to say no
 * @returns where the provider sends the browser in the end, which is not visited
 */
export async function visit(address: string, who: string): Promise<URL> {
  const { origin } = new URL(address);
  const jar = new Map<string, string>();
  const ask = async (url: string, init: RequestInit = {}) => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { ...init.headers, cookie } });
    for (const text of response.headers.getSetCookie()) {
      const [pair = ''] = text.split(';', 1);
      const equals = pair.indexOf('=');
      jar.set(pair.slice(0, equals), pair.slice(equals + 1));
    }
    return response;
  };
  let url = address;
  for (let step = 0; step < 10; step++) {
    let response = await ask(url);
    if (response.status === 200) response = await ask(url, { method: 'POST', body: new URLSearchParams({ who }) });
    const location = response.headers.get('location');
    if (location === null) throw new Error(`The provider says ${response.status}: ${await response.text()}`);
    url = new URL(location, url).href;
    if (new URL(url).origin !== origin) return new URL(url);
  }
  throw new Error('The provider goes round in circles.');
}
