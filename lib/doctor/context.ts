import { apiRoots, baseOfApi, type ApiRoots, type CmsFacts, type KnownHost } from '../providers/provider.ts';
import { isComputed, type Entry, type Format, type Group, type Value } from './config.ts';
import type { GatewayProbe, LoginProbe, RepositoryProbe } from './probe-result.ts';
import { diagnosisFacts, type DiagnosisFacts } from '../providers/diagnosis.ts';
import { usualServer } from '../providers/login-servers.ts';
import { otherBackends } from '../providers/others.ts';
import { masked } from './finding.ts';
import { cmsTitles, type Cms, type Page } from './admin-page.ts';
import type { Given } from './read.ts';
import { gatewayBase, serversOf, textOf, type Server } from './server.ts';
import { parseUrl, reachOf, type HttpResponse } from './fetch.ts';

/** What the doctor knows apart from the configuration. */
export interface Knowledge {
  /** The Git hosts that a login server of ours knows. */
  providers: readonly KnownHost[];
  /** The login server that somebody named. */
  namedServer: URL | undefined;
  /** What the login server answered, if it was asked. */
  probe?: LoginProbe | undefined;
  /** What the gateway answered, if there is one to ask. */
  gateway?: GatewayProbe | undefined;
  /** What the Git host says of the repository, if it was asked. */
  repository?: RepositoryProbe | undefined;
}

/** A set-up as the checks look at it. */
export interface CheckContext extends Knowledge {
  given: Given;
  name: string;
  format: Format | 'script';
  config: Group;
  /** Empty where `backend` is no group. */
  backend: Group;
  cms: Cms | undefined;
  /** `Decap CMS`, or `the CMS`. */
  who: string;
  isSveltia: boolean;
  page: Page | undefined;
  answer: HttpResponse | undefined;
  /** `backend.name` as it is written. */
  host: string | undefined;
  /** The Git host, if it is one of ours. */
  provider: KnownHost | undefined;
  /** What this CMS does at this host, or what most do. */
  cmsFacts: CmsFacts | undefined;
  /** What only the doctor knows of this host. */
  diagnosis: DiagnosisFacts;
  /** The gateway, where a CMS that speaks to the Git host itself is to log in and to work through one. */
  atGateway: string | undefined;
  /** Whether the CMS works with a program on this computer instead, as `local_backend` has it. */
  isLocal: boolean;
  /** Whether the CMS logs in through a server like ours. */
  usesLoginServer: boolean;
  /** The login server, as far as something says where it is. */
  server: Server | undefined;
  /** A text under `backend`, without spaces around; undefined if it is not there, is empty or is no text. */
  text(key: string): string | undefined;
}

export function contextOf(given: Given, knowledge: Knowledge): CheckContext {
  const { name, format = 'yaml', config = new Map<string, Entry>(), cms, page, answer } = given;
  const { providers, namedServer } = knowledge;
  const group = config.get('backend')?.value;
  const backend: Group = group instanceof Map ? group : new Map<string, Entry>();
  const text = (key: string) => textOf(backend.get(key)?.value);
  const host = text('name');
  const provider = providers.find(({ id }) => id === host);
  const cmsFacts = provider?.cms[cms?.name ?? 'decap'] ?? provider?.cms.decap;
  const isSveltia = cms?.name === 'sveltia';
  const local = config.get('local_backend')?.value;
  const isLocal =
    !isSveltia &&
    (local === true || local instanceof Map) &&
    answer !== undefined &&
    reachOf(answer.url) === 'loopback';
  // Where nobody logs in through a server, whatever is written.
  const inPage =
    provider !== undefined &&
    otherBackends.has(provider.id) &&
    (cms ? !provider.cms[cms.name] : Object.keys(provider.cms).length === 0);
  const usesLoginServer =
    provider !== undefined &&
    !isLocal &&
    !inPage &&
    !(isSveltia && backend.get('auth_methods')?.items?.includes('oauth') === false) &&
    !['pkce', 'implicit'].includes(text('auth_type') ?? '');
  const usual =
    usesLoginServer && cmsFacts?.fallback === undefined && !isComputed(config, 'backend.base_url')
      ? usualServer
      : undefined;
  const [server = usual && { origin: usual.origin, prefix: '', endpoint: 'auth' }] = serversOf({
    namedServer,
    config,
    text,
  });
  // What a server answered says nothing about another one, or about another address there.
  const asked = knowledge.probe?.server;
  const probe = asked?.origin === server?.origin && asked?.endpoint === server?.endpoint ? knowledge.probe : undefined;
  const gateway =
    host !== 'git-gateway' || knowledge.gateway?.base === gatewayBase({ text, answer }) ? knowledge.gateway : undefined;
  return {
    given,
    providers,
    namedServer,
    probe,
    gateway,
    // Of another repository or branch it says nothing.
    repository:
      knowledge.repository?.repo === text('repo') && knowledge.repository?.branch === text('branch')
        ? knowledge.repository
        : undefined,
    name,
    format,
    config,
    backend,
    cms,
    who: cms ? cmsTitles[cms.name] : 'the CMS',
    isSveltia,
    page,
    answer,
    host,
    provider,
    cmsFacts,
    diagnosis: (provider && diagnosisFacts[provider.id]) ?? {},
    atGateway:
      usesLoginServer && server && /(?:^|\/)git\/auth$/.test(server.endpoint)
        ? `${server.origin}/${server.endpoint.replace(/\/auth$/, '')}`
        : undefined,
    isLocal,
    usesLoginServer,
    server: probe?.works ?? server,
    text,
  };
}

/** The origin that asks for the token: the page's, or what the configuration says about the site. */
export function siteOrigin({ answer, config }: Pick<CheckContext, 'answer' | 'config'>): string | undefined {
  if (answer) return answer.url.origin;
  const text = textOf(config.get('site_url')?.value) ?? textOf(config.get('display_url')?.value);
  return text !== undefined && /^https?:\/\//.test(text) ? parseUrl(text)?.origin : undefined;
}

/** The scopes that the CMS asks for. */
export function scopesOf({ provider, cmsFacts, isSveltia, backend, text }: CheckContext): string[] {
  const [first, ...rest] = cmsFacts?.scopes ?? [];
  const forks = !isSveltia && backend.get('open_authoring')?.value === true ? provider?.forks?.scope : undefined;
  const asked = (provider?.authScopes && text('auth_scope')) ?? forks ?? first;
  return [...(asked === undefined ? [] : [asked]), ...rest];
}

/** The login host that the CMS's API calls belong to, as its base URL; undefined if `api_root` does not say it. */
export function baseOf({ provider, text }: Pick<CheckContext, 'provider' | 'text'>): string | undefined {
  const root = text('api_root');
  return root === undefined || !provider ? provider?.url : baseOfApi(provider, root.replace(/\/+$/, ''));
}

/** Where the CMS's calls go after the login: as it is written, or else where it is at the public host. */
export const rootsOf = ({ provider, text }: Pick<CheckContext, 'provider' | 'text'>): Partial<ApiRoots> => {
  const usual = provider && apiRoots(provider, provider.url);
  const [rest, graphql] = [text('api_root'), text('graphql_api_root')];
  return rest === undefined && graphql === undefined
    ? { ...usual }
    : { ...(rest !== undefined && { api_root: rest }), ...(graphql !== undefined && { graphql_api_root: graphql }) };
};

/** Whether this host name is that of a public Git host, where no login server can be. */
export function isGitHost(providers: readonly KnownHost[], hostname: string): boolean {
  const names = providers.flatMap((provider) =>
    [provider.url, apiRoots(provider, provider.url)?.api_root].flatMap((url) => (url ? new URL(url).hostname : [])),
  );
  return names.includes(hostname.replace(/^www\./, ''));
}

/** Whether this CMS renews its tokens at the login server, as it is configured. */
export function renews({ provider, cms, text }: CheckContext): boolean {
  const { by, login } = provider?.refresh ?? {};
  if (!by?.includes(cms?.name ?? 'decap')) return false;
  return login?.always === true || (text('auth_endpoint') ?? '').replace(/\/+$/, '').endsWith('/authorize');
}

/** The entry of a key: `base_url` at the top level, `backend.base_url` below that. */
export const entryOf = ({ config, backend }: CheckContext, key: string): Entry | undefined =>
  key.startsWith('backend.') ? (backend.get(key.slice(8)) ?? config.get('backend')) : config.get(key);

/** Settings as they are to be written into this very file. */
export function lines(
  { format }: Pick<CheckContext, 'format'>,
  settings: Record<string, Value>,
  group?: string,
): string {
  const pairs = Object.entries(settings)
    .filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
    .map(([key, value]): [string, Value] => [key, typeof value === 'string' ? masked(value) : value]);
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
    case 'script': {
      const inside = pairs.map(([key, value]) => `${group ? '  ' : ''}${key}: ${json(value)},`).join('\n');
      return group ? `${group}: {\n${inside}\n},` : inside;
    }
    case 'yaml':
      return [
        ...(group ? [`${group}:`] : []),
        ...pairs.map(([key, value]) => `${group ? '  ' : ''}${key}: ${plain(value)}`),
      ].join('\n');
  }
}
