import type { Group, Value } from './config.ts';
import { gatewayNames } from '../providers/provider.ts';
import { isSafe, parseUrl, type HttpResponse } from './fetch.ts';

/** Where to look for a login server: what was named, and what is written. */
interface Places {
  namedServer: URL | undefined;
  config: Group;
  text(key: string): string | undefined;
}

/** A text, without spaces around; undefined if it is empty or is none. */
export const textOf = (value: Value | undefined): string | undefined =>
  typeof value === 'string' ? value.trim() || undefined : undefined;

/** The login server as the configuration means it, freed from what is written too much. */
export interface Server {
  origin: string;
  /** What `auth_endpoint` has to be there. */
  endpoint: string;
  /** A path in front of all of the server's, such as `/prod`, or empty. */
  prefix: string;
}

/** An address that may lack its scheme, as people write it. */
export const readAddress = (text: string): URL | undefined =>
  parseUrl(/^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `https://${text.replace(/^\/+/, '')}`);

export const trimSlashes = (text: string): string => text.replace(/^\/+|\/+$/g, '');

/** What is in front of `/auth` in a path; a Netlify function's own path is nothing of ours. */
export const prefixOf = (path: string): string =>
  `/${trimSlashes(path)}`.replace(/\/(?:\.netlify\/functions|auth)(?:\/.*)?$/, '').replace(/^\/$/, '');

/**
 * Where the login server may be, the most probable first: what is written, freed from what is too much; then the same
 * without a path. A `base_url` at the wrong level says it, too.
 */
export function serversOf({ namedServer, config, text }: Places): Server[] {
  const base = namedServer ?? readAddress(text('base_url') ?? textOf(config.get('base_url')?.value) ?? '');
  if (!base) return [];
  const once = (text('auth_endpoint') ?? '')
    .replace(/(?:^|\/)callback\/?$/, '')
    .replace(/(^|\/)auth\/(?=auth(?:\/|$))/, '$1');
  const written = trimSlashes(once) || 'auth';
  const isUsual = /(?:^|\/)auth(?:\/|$)|[:?#]/.test(written);
  const [, tail = isUsual ? 'auth' : written] = /(?:^|\/)(auth(?:\/[a-z]+(?:\/authorize)?)?)$/.exec(written) ?? [];
  const path = namedServer || base.pathname !== '/' ? base.pathname : isUsual && !/[:?#]/.test(written) ? written : '';
  const prefix = prefixOf(path);
  const origin = isSafe(base) ? base.origin : base.origin.replace(/^http:/, 'https:');
  const endpoint = trimSlashes(`${prefix}/${tail}`);
  return [{ origin, prefix, endpoint }, ...(endpoint === 'auth' ? [] : [{ origin, prefix: '', endpoint: 'auth' }])];
}

/** The address that the popup opens, joined as the CMSs join it. */
export const joined = (origin: string, endpoint: string): string => `${origin}/${trimSlashes(endpoint)}`;

/** Where the CMS looks for a gateway: what is written, or what it takes by itself. */
export const gatewayUrl = ({ text }: Pick<Places, 'text'>): string => text('gateway_url') ?? '/.netlify/git';

/** A host's name at the end makes the CMS skip the first question, and is no part of the gateway's address. */
export const withoutHost = (url: string): string =>
  url.replace(/\/+$/, '').replace(new RegExp(`/(?:${gatewayNames.join('|')})$`), '');

/** The same as a whole address, without a slash at the end; undefined if nothing says on which site it is. */
export function gatewayBase(places: Pick<Places, 'text'> & { answer: HttpResponse | undefined }): string | undefined {
  const url = parseUrl(withoutHost(gatewayUrl(places)), places.answer?.url);
  return url && `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}
