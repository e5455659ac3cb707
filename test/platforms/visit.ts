/**
 * As far as a browser gets before it comes back to us: begins a login, and has the host say yes.
 *
 * @param url the hop's own address
 * @param cookie that the browser has already
 * @returns our `Set-Cookie`, and the address that the host sends the browser to
 */
export async function consent(url: string, cookie?: string): Promise<{ set: string; callback: string }> {
  const begun = await fetch(`${url}/auth?provider=github`, {
    redirect: 'manual',
    ...(cookie !== undefined && { headers: { cookie } }),
  });
  const location = begun.headers.get('location');
  if (location === null) throw new Error(`No login begins, but this comes:\n${begun.status} ${await begun.text()}`);
  const answer = await fetch(location, { redirect: 'manual' });
  return { set: begun.headers.getSetCookie().join(), callback: answer.headers.get('location') ?? '' };
}

/** A whole login at GitHub, in a browser without other cookies. */
export async function login(url: string): Promise<Response> {
  const { set, callback } = await consent(url);
  return fetch(callback, { headers: { cookie: set.split(';')[0] ?? '' } });
}
