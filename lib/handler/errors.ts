import { table } from '../http/errors.ts';

/**
 * What every login in a popup can say.
 *
 * Sveltia CMS replaces our words by its own for the codes it knows. `UNSUPPORTED_DOMAIN` is the only one of those that we have:
 * for all others our words say more about what to do.
 */
export const popupErrors = table({
  UNSUPPORTED_DOMAIN: {
    status: 400,
    text: '{site} is not on the list of sites that may log in here. If it is your site, add {site} to the setting CMS_AUTH_ORIGINS of the login server, then deploy again.',
  },
});
