import { html, type Html } from '../http/page.ts';
import { originsSetting } from '../config/settings.ts';
import type { Context } from '../handler/router.ts';

/** Which sites may log in. Strangers can read this, so it does not show the list; it only tells the owner where there is none. */
export async function describeAllowedSites({
  settings,
  address,
}: Pick<Context, 'settings' | 'address'>): Promise<Html> {
  await settings.read([originsSetting(address)]); // if they are wrong, that is told instead
  return settings.env['CMS_AUTH_ORIGINS']?.trim()
    ? html`Editors can log in from the sites in <code>CMS_AUTH_ORIGINS</code>.`
    : html`<code>CMS_AUTH_ORIGINS</code> is not set, so only a CMS page at <code>${address.origin}</code> may log in. If yours is elsewhere, set it to the beginning of its address, such as <code>https://www.example.com</code>.`;
}
