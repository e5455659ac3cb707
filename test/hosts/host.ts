/** What the fake hosts have in common besides their OAuth memory: what they remember, and the pages they show. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Fault } from './faults.ts';
import type { Grants, OAuthApp } from './oauth.ts';
import { escapeHtml, page, pageHeaders } from './page.ts';
import type { Repository } from './repository.ts';
import { postsFolder } from './sample.ts';

/** Can be changed at any time, by assigning to the running host. */
export interface HostSettings {
  app: OAuthApp;
  /** The one user of this host, always signed in. */
  user: { login: string; name: string };
  /** Whether that user may write to the repository. */
  collaborator: boolean;
  /** Without rights, a private repository cannot even be seen. */
  private: boolean;
  /**
   * `ask` always, `remember` an approval, or `always` answer at once. The last two are what makes a hostile page
   * dangerous: the user sees nothing.
   */
  consent: 'ask' | 'remember' | 'always';
  /** The issuer in the callback (RFC 9207), if there is to be one. */
  iss: 'none' | (string & {});
  /** What the token endpoint does instead of answering. */
  fault: Fault | undefined;
  /** Milliseconds before an answer of the authorize and token endpoints. */
  delay: number;
  /** More headers for the consent page and the redirect, such as Cross-Origin-Opener-Policy. */
  headers: Record<string, string>;
}

/** A token that was made by hand, for a program and not for a person. */
export interface AccessToken {
  name: string;
  scopes: string[];
  /** The day on which it stops working, `2026-12-01`; absent if it never does. */
  ends?: string;
}

export interface LoggedRequest {
  method: string;
  path: string;
  /** Of the OAuth endpoints only. */
  parameters: Record<string, string>;
}

export interface Host {
  /** Without a slash at the end. */
  readonly url: string;
  readonly apiRoot: string;
  readonly repository: Repository;
  readonly grants: Grants;
  /** Project and repository access tokens, by what a program sends; can be changed at any time. */
  readonly accessTokens: Map<string, AccessToken>;
  /** The newest thousand. */
  readonly requests: LoggedRequest[];
  /** API requests that this host does not know how to answer: a test that is green without this being empty proves little. */
  readonly unexpected: string[];
  close(): Promise<void>;
}

export interface RepositoryOptions {
  fullName?: string;
  branch?: string;
  files?: Record<string, string>;
}

/** The scopes of a token that is good today, whoever it was made for. */
export function tokenScopes({ accessTokens, grants }: Pick<Host, 'accessTokens' | 'grants'>, token: string) {
  const { scopes, ends } = accessTokens.get(token) ?? {};
  const ended = ends !== undefined && new Date().toISOString().slice(0, 10) >= ends;
  return ended ? undefined : (scopes ?? grants.holder(token)?.scopes);
}

/** The entry can be filled in later. */
export function logRequest({ requests }: Pick<Host, 'requests'>, method: string, path: string): LoggedRequest {
  const logged = { method, path, parameters: {} };
  requests.push(logged);
  if (requests.length > 1000) requests.shift();
  return logged;
}

export function remember({ unexpected }: Pick<Host, 'unexpected'>, what: string) {
  if (unexpected.length < 1000) unexpected.push(what);
}

/** Whether a form was posted by a page of this host, and not by somebody else's. */
export function fromOurPage(request: IncomingMessage) {
  return (request.headers['sec-fetch-site'] ?? 'same-origin') === 'same-origin';
}

/** As they were sent: neither Bitbucket nor GitLab undoes the form encoding that RFC 6749 prescribes. */
export function basicCredentials(request: IncomingMessage) {
  const encoded = /^basic (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (encoded === undefined) return undefined;
  const pair = Buffer.from(encoded, 'base64').toString();
  const colon = pair.indexOf(':');
  return { id: pair.slice(0, Math.max(colon, 0)), secret: pair.slice(colon + 1) };
}

export function sendPage(response: ServerResponse, status: number, html: string) {
  response.writeHead(status, pageHeaders).end(html);
}

/** For people: what the CMS has done to the repository. */
export function repositoryPage(repository: Repository) {
  const commits = repository.history(repository.defaultBranch).slice(0, 10);
  const posts = repository.list(repository.resolve(`${repository.defaultBranch}:${postsFolder}`) ?? '', true);
  return page(
    repository.fullName,
    `<p class="quiet">What the CMS saved is here, in this program's memory, until you stop it.</p>
<h2>Latest commits</h2>
<ul>${commits
      .map(
        ({ sha, message, author }) =>
          `<li>${escapeHtml(message)}<br><span class="quiet"><code>${sha.slice(0, 7)}</code> ${escapeHtml(author.name)}, ${escapeHtml(author.date.slice(0, 16).replace('T', ' '))} UTC</span></li>`,
      )
      .join('')}</ul>
${posts
  .map(
    ({ path, sha }) => `<h2>${escapeHtml(path)}</h2><pre>${escapeHtml(repository.blob(sha)?.toString() ?? '')}</pre>`,
  )
  .join('')}`,
  );
}
