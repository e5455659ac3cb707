import { providers } from '../../functions/auth.ts';
import type { Provider } from '../providers/provider.ts';
import type { Entry, Format, Group, Value } from './config.ts';
import { cmsTitles, type Cms, type Page } from './page.ts';
import type { Given } from './read.ts';
import { isSafe, type Answer } from './web.ts';

/** A configuration as the checks look at it. */
export interface View {
  name: string;
  format: Format;
  config: Group;
  /** Empty where `backend` is no group. */
  backend: Group;
  cms: Cms | undefined;
  /** `Decap CMS`, or `the CMS`. */
  who: string;
  isSveltia: boolean;
  page: Page | undefined;
  answer: Answer | undefined;
  /** `backend.name` as it is written. */
  host: string | undefined;
  /** The Git host, if it is one of ours. */
  provider: Provider | undefined;
  /** Whether the CMS logs in through a server like ours. */
  usesHop: boolean;
  /** The login server that somebody named. */
  hop: URL | undefined;
  /** A text under `backend`, without spaces around; undefined if it is not there, is empty or is no text. */
  text(key: string): string | undefined;
}

export { providers };

export function viewOf(given: Given & { config: Group }, hop: URL | undefined): View {
  const { name, format = 'yaml', config, cms, page, answer } = given;
  const group = config.get('backend')?.value;
  const backend: Group = group instanceof Map ? group : new Map<string, Entry>();
  const text = (key: string) => textOf(backend.get(key)?.value);
  const host = text('name');
  const provider = providers.find(({ id }) => id === host);
  return {
    name,
    format,
    config,
    backend,
    cms,
    who: cms ? cmsTitles[cms.name] : 'the CMS',
    isSveltia: cms?.name === 'sveltia',
    page,
    answer,
    host,
    provider,
    usesHop: provider !== undefined && !['pkce', 'implicit'].includes(text('auth_type') ?? ''),
    hop,
    text,
  };
}

export const textOf = (value: Value | undefined): string | undefined =>
  typeof value === 'string' ? value.trim() || undefined : undefined;

/** The line of a key: `base_url` at the top level, `backend.base_url` below that. */
export const lineOf = ({ config, backend }: View, key: string): number | undefined =>
  (key.startsWith('backend.') ? (backend.get(key.slice(8)) ?? config.get('backend')) : config.get(key))?.line;

/** Settings as they are to be written into this very file. */
export function lines({ format }: Pick<View, 'format'>, settings: Record<string, Value>, group?: string): string {
  const pairs = Object.entries(settings).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value));
  const json = (value: Value) => JSON.stringify(value);
  const plain = (value: Value) =>
    /^(?!true$|false$|null$)[a-z][\w./:@-]*$/i.test(String(value)) ? String(value) : json(value);
  switch (format) {
    case 'toml':
      return [...(group ? [`[${group}]`] : []), ...pairs.map(([key, value]) => `${key} = ${json(value)}`)].join('\n');
    case 'json': {
      const inside = pairs.map(([key, value]) => `${group ? '  ' : ''}"${key}": ${json(value)}`).join(',\n');
      return group ? `"${group}": {\n${inside}\n}` : inside;
    }
    case 'yaml':
      return [
        ...(group ? [`${group}:`] : []),
        ...pairs.map(([key, value]) => `${group ? '  ' : ''}${key}: ${plain(value)}`),
      ].join('\n');
  }
}

/** The login server as the configuration means it, freed from what is written too much. */
export interface Server {
  origin: string;
  /** What `auth_endpoint` has to be there. */
  endpoint: string;
  /** A path in front of all of the server's, such as `/prod`, or empty. */
  prefix: string;
}

/** An address that may lack its scheme, as people write it. */
export function readAddress(text: string): URL | undefined {
  const full = /^[a-z][a-z\d+.-]*:\/\//i.test(text) ? text : `https://${text.replace(/^\/+/, '')}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  return url && ['https:', 'http:'].includes(url.protocol) && url.hostname !== '' ? url : undefined;
}

const trimSlashes = (text: string): string => text.replace(/^\/+|\/+$/g, '');

/** What is in front of `/auth` in a path; a Netlify function's own path is nothing of ours. */
export const prefixOf = (path: string): string =>
  `/${trimSlashes(path)}`.replace(/\/(?:\.netlify\/functions|auth)(?:\/.*)?$/, '').replace(/^\/$/, '');

/** @returns undefined where nothing says which server it is */
export function serverOf({ hop, text }: Pick<View, 'hop' | 'text'>): Server | undefined {
  const base = hop ?? readAddress(text('base_url') ?? '');
  if (!base) return undefined;
  const written = trimSlashes(text('auth_endpoint') ?? 'auth');
  const isOurs = /(?:^|\/)auth(?:\/|$)|[:?#]/.test(written);
  const [, tail = isOurs ? 'auth' : written] =
    /(?:^|\/)(auth(?:\/[a-z]+(?:\/authorize)?)?)$/.exec(written.replace(/\/callback$/, '')) ?? [];
  const path = hop || base.pathname !== '/' ? base.pathname : isOurs && !/[:?#]/.test(written) ? written : '';
  const prefix = prefixOf(path);
  const origin = isSafe(base) ? base.origin : base.origin.replace(/^http:/, 'https:');
  return { origin, prefix, endpoint: trimSlashes(`${prefix}/${tail}`) };
}

/** The address that the popup opens, joined as the CMSs join it. */
export const joined = (origin: string, endpoint: string): string => `${origin}/${trimSlashes(endpoint)}`;
