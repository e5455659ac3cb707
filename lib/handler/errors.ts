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
    text: 'This site is not on the list of sites that may get a token from this login server. Its owner has to add the address of the site to CMS_AUTH_ORIGINS.',
  },
});
