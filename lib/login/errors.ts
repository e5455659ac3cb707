import { popupErrors } from '../handler/errors.ts';
import { table } from '../http/errors.ts';

/**
 * What only a login can say. Whatever can happen to a real login has 400 or 5xx: static hosting often replaces 403 and 404 with
 * a page of its own (CloudFront's custom error responses do it for the whole distribution), and the CMS would then wait for ever.
 */
const own = table({
  UNKNOWN_PROVIDER: {
    status: 400,
    text: 'This login server does not know that Git host. It knows: {known}. Check "backend: name:" in the CMS configuration.',
  },
  PROVIDER_MISMATCH: {
    status: 400,
    text: 'The CMS asked for another Git host than this address is for. Check "auth_endpoint" and "backend: name:" in the CMS configuration: they must name the same host.',
  },
  BASE_URL_HAS_PATH: {
    status: 400,
    text: 'The "base_url" in the CMS configuration is not right: "{path}" stands behind the host name. Write {base} there, and nothing after it.',
  },
});

/** What a CMS can be told that asks for a new token. A login does not carry these. */
export const refreshErrors = /* @__PURE__ */ table({
  ORIGIN_NOT_LISTED: { status: 403, text: 'Sessions are renewed for pages on listed origins only.' },
  REFRESH_NOT_ALLOWED: {
    status: 400,
    text: 'Sessions are not renewed here: the owner has not named this Git host in CMS_AUTH_REFRESH, or lists this site only by a pattern. Log in again.',
  },
});

export const loginErrors = { ...own, ...popupErrors };
