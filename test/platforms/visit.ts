import { mint } from '../popup.ts';

/** The CMS page that every platform here lists. */
export const site = 'https://www.example.com';

/** A whole login at GitHub that a page of `site` begins, in a browser without other cookies. */
export async function login(url: string): Promise<Response> {
  const { cookie, callback } = await mint(`${url}/auth?provider=github`, site);
  return fetch(callback, { headers: { cookie } });
}
