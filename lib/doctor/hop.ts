import { commonHeaders } from '../web/http.ts';
import { settingPrefix, type Provider } from '../providers/provider.ts';
import { shown, type Finding, type Severity } from './finding.ts';
import { openerPolicy } from './policy.ts';
import { joined, lines, providers, readAddress, serverOf, textOf, type Server, type View } from './view.ts';
import { ask, isSafe, isSilence, target, type Answer, type Question } from './web.ts';

export interface Examination {
  findings: Finding[];
  /** What could not be found out, and why. */
  notChecked: string[];
  /** What was asked, as its origin; undefined if nothing was. */
  server: string | undefined;
}

/** Our headers are on every answer, pages and redirects alike. One of them may have been changed on the way. */
const isOurs = ({ headers }: Answer): boolean => {
  const marks = Object.entries(commonHeaders);
  const found = marks.filter(([name, value]) => headers.get(name)?.toLowerCase() === value.toLowerCase());
  return found.length >= marks.length - 1;
};

/**
 * Asks the login server what anybody may ask, as the CMS would: it begins logins that nobody ends, and sends no secret.
 */
export async function examineHop(view: View, patience: number): Promise<Examination> {
  const server = serverOf(view);
  const { provider } = view;
  if (!provider || !view.usesHop) return { findings: [], notChecked: [], server: undefined };
  if (!server || (view.text('base_url') === undefined && !view.hop))
    return {
      findings: [],
      notChecked: ['The login server: nothing says where it is (--hop https://auth.example.com).'],
      server: undefined,
    };
  if (/(?:^|\.)example(?:\.com|\.net|\.org)?$/.test(new URL(server.origin).hostname))
    return {
      findings: [
        {
          id: 'hop-example',
          severity: 'risky',
          what: `${shown(server.origin)} is the address of an example, so it was not asked`,
          why: 'Nobody can have that name (RFC 2606). Write the address of your own login server.',
          where: view.name,
        },
      ],
      notChecked: [],
      server: undefined,
    };
  const { findings, notChecked } = await new Examiner(view, provider, server, patience).run();
  return { findings, notChecked, server: server.origin };
}

class Examiner {
  readonly findings: Finding[] = [];
  readonly notChecked: string[] = [];
  readonly #view: View;
  readonly #provider: Provider;
  readonly #server: Server;
  readonly #patience: number;

  constructor(view: View, provider: Provider, server: Server, patience: number) {
    this.#view = view;
    this.#provider = provider;
    this.#server = server;
    this.#patience = patience;
  }

  async run(): Promise<this> {
    const { origin, endpoint } = this.#server;
    const begin = new URL(joined(origin, endpoint));
    begin.search = new URLSearchParams(this.#wish()).toString();
    const answer = await this.#ask(begin);
    if (isSilence(answer)) {
      this.#add('hop-unreachable', 'broken', `The login server ${shown(origin)} cannot be reached: ${answer.silence}`, {
        why: 'The popup shows an error of the browser. Is base_url spelt right, and the server deployed?',
      });
      return this;
    }
    const ours = isOurs(answer);
    if (!ours && !(await this.#isAtRoot())) this.#foreign(answer);
    if (this.#redirect(answer)) {
      this.#headers(answer, ours);
      if (ours) {
        await this.#readiness();
        await this.#origins();
      }
      if (this.findings.every(({ severity }) => severity !== 'broken')) await this.#consent(target(answer));
    }
    return this;
  }

  #ask(url: URL, question: Partial<Question> = {}) {
    return ask(url, { patience: this.#patience, ...question });
  }

  #add(id: string, severity: Severity, what: string, rest: { why: string; write?: string; where?: string }) {
    this.findings.push({ id, severity, what, where: this.#server.origin, ...rest });
  }

  /** What the CMS sends. */
  #wish(): Record<string, string> {
    const { host = '', isSveltia, text } = this.#view;
    const scope = text('auth_scope') ?? (host === 'gitlab' ? 'api' : 'repo');
    const origin = siteOrigin(this.#view);
    return {
      provider: host,
      site_id: text('site_domain') ?? (origin ? new URL(origin).hostname : 'localhost'),
      scope: isSveltia && host === 'github' ? `${scope},user` : scope,
    };
  }

  async #isAtRoot(): Promise<boolean> {
    const { origin, prefix } = this.#server;
    const answer = await this.#ask(new URL(`${origin}${prefix}/auth`));
    return !isSilence(answer) && isOurs(answer);
  }

  #foreign({ url, status }: Answer) {
    if (status >= 300 && status < 400)
      this.#add('hop-foreign', 'note', `The login server ${shown(url.origin)} is not this product`, {
        why: 'Only what every login server has in common was checked.',
      });
  }

  /** @returns whether it is the redirect to the Git host that a login begins with */
  #redirect(answer: Answer): boolean {
    const { origin, endpoint, prefix } = this.#server;
    const { name } = this.#provider;
    const address = joined(origin, endpoint);
    const next = target(answer);
    if (!next) {
      const told = failureOf(answer.body);
      if (told) this.#refused(told);
      else if (answer.status === 404)
        this.#add('hop-not-found', 'broken', `There is no login at ${shown(address)}: it answers 404`, {
          why: 'The popup shows that page. Is base_url the address of the login server, and auth_endpoint right? On a static host, are the functions deployed?',
          write: lines(this.#view, { auth_endpoint: `${prefix}/auth`.slice(1) }, 'backend'),
        });
      else
        this.#add(
          'hop-no-login',
          'broken',
          `${shown(address)} is no login server: it answers ${answer.status} instead of a redirect to ${name}`,
          {
            why:
              answer.status >= 500
                ? 'Something is wrong there; its log says what.'
                : 'The popup shows a page that knows nothing of the CMS, and the CMS waits for ever.',
          },
        );
      return false;
    }
    const query = next.searchParams;
    if (!query.has('client_id')) {
      const isSlash = next.origin === answer.url.origin;
      this.#add(
        'hop-moved',
        isSlash ? 'risky' : 'broken',
        `The login server redirects to ${shown(next.origin + next.pathname)} before the login begins`,
        {
          why: isSlash
            ? 'That is one more step for every login, and some servers lose the query on the way. Write the final address.'
            : 'The popup then is on another origin than base_url, so the CMS waits for ever. Write the final address.',
          write: isSlash
            ? lines(this.#view, { auth_endpoint: next.pathname.replace(/^\/|\/$/g, '') }, 'backend')
            : lines(this.#view, { base_url: next.origin }, 'backend'),
        },
      );
      return false;
    }
    this.#host(next);
    const callback = query.get('redirect_uri');
    if (callback !== null) this.#callback(callback);
    else
      this.#add('hop-no-callback', 'note', `The login server sends no redirect_uri to ${name}`, {
        why: 'The Git host then takes the registered one, if it allows that and there is a single one.',
      });
    this.#scope(query.get('scope'));
    if (!query.get('state'))
      this.#add('hop-no-state', 'risky', 'The login server sends no state', {
        why: 'Anybody can make an editor finish a login that somebody else began (RFC 9700, 4.7).',
      });
    return true;
  }

  /** What the server itself says is wrong. */
  #refused({ code, message }: Failure) {
    const { id, name } = this.#provider;
    const prefix = settingPrefix(this.#provider);
    const unset = code === 'SETTING_MISSING' && message.startsWith(`${prefix}_CLIENT_ID`);
    this.#add(
      unset ? 'hop-not-set-up' : 'hop-refuses',
      'broken',
      unset
        ? `${name} is not set up at the login server: ${prefix}_CLIENT_ID is not set`
        : `The login server refuses: ${shown(message)}`,
      unset
        ? {
            why: `Register an OAuth app at ${name}, set its client id and secret at the login server, and deploy that again.`,
            write: `${prefix}_CLIENT_ID=…\n${prefix}_CLIENT_SECRET=…`,
          }
        : {
            why: `Those are its own words${code === '' ? '' : ` (${shown(code)})`}.`,
            ...(code === 'PROVIDER_MISMATCH' && {
              write: lines(this.#view, { name: id, auth_endpoint: 'auth' }, 'backend'),
            }),
          },
    );
  }

  /** Whether the login goes to the host that the CMS's API calls go to. */
  #host(next: URL) {
    const { name, id, url, authorizePath } = this.#provider;
    const setting = `${settingPrefix(this.#provider)}_URL`;
    const root = readAddress(this.#view.text('api_root') ?? '');
    const isDefault =
      root === undefined || ['api.github.com', 'gitlab.com', 'api.bitbucket.org'].includes(root.hostname);
    const expected = isDefault ? new URL(url) : new URL(root.origin.replace(/\/\/api\.(?=[^/]+\.ghe\.com$)/, '//'));
    const other = providers.find(
      (provider) => provider.id !== id && next.href.startsWith(provider.url + provider.authorizePath),
    );
    if (other)
      this.#add(
        'hop-host',
        'broken',
        `The login server sends the editor to ${other.name}, but the backend is ${name}`,
        {
          why: 'A token of one host is nothing to the other.',
          write: lines(this.#view, { name: other.id }, 'backend'),
        },
      );
    else if (next.host !== expected.host)
      this.#add(
        'hop-host',
        'broken',
        `The login server sends the editor to ${shown(next.host)}, but the CMS works with ${shown(expected.host)}`,
        {
          why: `A token of one host is nothing to the other. ${isDefault ? 'If the repository is on the first one, the CMS needs api_root.' : `The login server needs ${setting}.`}`,
          write: isDefault
            ? lines(
                this.#view,
                { api_root: next.href.split(authorizePath)[0] + ({ github: '/api/v3', gitlab: '/api/v4' }[id] ?? '') },
                'backend',
              )
            : `${setting}=${expected.origin}        (in the settings of the login server)`,
        },
      );
    else if (!next.pathname.endsWith(authorizePath))
      this.#add(
        'hop-host',
        'risky',
        `The login server sends the editor to ${shown(next.origin + next.pathname)}, which is not where ${name} asks for consent`,
        {
          why: `It should end with ${authorizePath}.`,
        },
      );
    if (!isSafe(next))
      this.#add('hop-host-http', 'broken', `The login server sends the editor to ${name} without https`, {
        why: 'What is asked there can be read and changed on the way.',
        write: `${setting}=${next.origin.replace(/^http:/, 'https:')}`,
      });
  }

  /** A login ends where the server believes itself to be; the cookie and the CMS's comparison are where it began. */
  #callback(callback: string) {
    const { origin, prefix } = this.#server;
    const { id, name } = this.#provider;
    const url = URL.canParse(callback) ? new URL(callback) : undefined;
    const expected = `${origin}${prefix}/auth/${id}/callback`;
    if (callback === expected) return;
    if (url && url.origin === origin) {
      if (!isOursPath(url, id)) return; // another server's own choice
      this.#add('hop-callback', 'risky', `The login ends at ${shown(callback)}, not at ${shown(expected)}`, {
        why: `The login server has another path than auth_endpoint says. Exactly that address has to be registered at ${name}.`,
        write: `CMS_AUTH_URL=${origin}${prefix}        (in the settings of the login server)`,
      });
      return;
    }
    this.#add(
      'hop-address',
      'broken',
      `The login server takes its address for ${shown(url?.origin ?? callback)}, but base_url is ${shown(origin)}`,
      {
        why: 'The login begins at one address and ends at the other, where its cookie is not, and where the CMS does not listen. Make both the same: base_url, or the setting of the login server.',
        write: `CMS_AUTH_URL=${origin}${prefix}        (in the settings of the login server)\n${lines(this.#view, { base_url: url?.origin ?? origin }, 'backend')}        (or this)`,
      },
    );
  }

  #scope(scope: string | null) {
    const { host, text } = this.#view;
    const asked = text('auth_scope') ?? (host === 'gitlab' ? 'api' : 'repo');
    const given = scope?.split(/[\s,]+/) ?? [];
    if (host === 'bitbucket' || given.includes(asked) || given.includes('repo')) return;
    const isGitlab = host === 'gitlab';
    this.#add(
      'hop-scope',
      isGitlab || asked === 'repo' ? 'risky' : 'note',
      `The login server asks ${this.#provider.name} for the scope ${shown(scope ?? 'none')}, the CMS for ${shown(asked)}`,
      {
        why: isGitlab
          ? 'The calls of the CMS work with api only.'
          : 'With a GitHub App that is as it should be. With an OAuth App, public_repo reaches public repositories only, and no scope none.',
        write: `${settingPrefix(this.#provider)}_SCOPE=${asked}        (in the settings of the login server)`,
      },
    );
  }

  #headers(answer: Answer, ours: boolean) {
    this.#opener(answer, 'redirect to the Git host');
    if ([301, 308].includes(answer.status))
      this.#add(
        'hop-permanent',
        'risky',
        `The login server begins a login with ${answer.status}, which browsers keep`,
        {
          why: 'The next login then begins with an old state (RFC 9700, 4.12). It should be 302.',
        },
      );
    const cookies = answer.headers.getSetCookie();
    const parts = cookies.map((cookie) =>
      cookie
        .split(/;\s*/)
        .slice(1)
        .map((part) => part.toLowerCase()),
    );
    if (cookies.length === 0) {
      if (ours)
        this.#add('hop-cookie', 'broken', 'The cookie of the login does not arrive', {
          why: 'Every login would end with a lost cookie. Something in front of the login server takes "Set-Cookie" away: a cache, a CDN.',
        });
      else
        this.#add('hop-cookie', 'risky', 'The login server sets no cookie', {
          why: 'Then it cannot tell whether a login ends in the browser in which it began.',
        });
      return;
    }
    if (parts.every((attributes) => attributes.includes('samesite=strict')))
      this.#add('hop-cookie', 'broken', 'The cookie of the login is "SameSite=Strict"', {
        why: 'It does not come along when the Git host sends the browser back. It has to be Lax.',
      });
    const lacking = ['httponly', ...(answer.url.protocol === 'https:' ? ['secure'] : [])].filter(
      (attribute) => !parts.every((attributes) => attributes.includes(attribute)),
    );
    if (lacking.length > 0)
      this.#add('hop-cookie', 'risky', `The cookie of the login lacks ${lacking.join(' and ')}`, {
        why: 'Scripts, or others on the way, could read it.',
      });
  }

  #opener({ headers }: Answer, where: string) {
    const policy = openerPolicy(headers);
    if (policy === undefined || policy === 'unsafe-none') return;
    this.#add(
      'hop-coop',
      'broken',
      `The login server sends "Cross-Origin-Opener-Policy: ${shown(policy)}" with its ${where}`,
      {
        why: 'That cuts the popup off from the CMS, also on a redirect. Something in front of the login server adds "secure headers".',
        write: 'Cross-Origin-Opener-Policy: unsafe-none        (for /auth and what is below)',
      },
    );
  }

  /**
   * Goes where the editor would be sent. Most of the time a host first wants to know who is there; some say at once that
   * they do not know the application, or not this callback address.
   */
  async #consent(consent: URL | undefined) {
    if (!consent) return;
    const { name } = this.#provider;
    const answer = await this.#ask(consent);
    if (isSilence(answer)) {
      this.notChecked.push(`What ${name} says to the login: it cannot be reached from here (${answer.silence}).`);
      return;
    }
    const callback = consent.searchParams.get('redirect_uri') ?? '';
    const error = target(answer)?.searchParams.get('error') ?? '';
    const words =
      /invalid redirect[ _-]?ur[il]\b|redirect[ _-]?ur[il]\b[^<]{0,80}(?:not valid|invalid|match|not registered)/i;
    if (error === 'redirect_uri_mismatch' || (answer.status >= 400 && words.test(answer.body)))
      this.#add('callback-not-registered', 'broken', `The callback address is not registered at ${name}`, {
        why: `${name} refuses to send the editor back to the login server. Register exactly this address in the OAuth app:`,
        write: shown(callback),
      });
    else if (answer.status === 404 || (answer.status >= 400 && /(?:invalid|unknown)[ _]client/i.test(answer.body)))
      this.#add('client-unknown', 'broken', `${name} does not know the client id of the login server`, {
        why: 'It belongs to another instance, was mistyped, or the OAuth app was deleted.',
        write: `${settingPrefix(this.#provider)}_CLIENT_ID=…        (in the settings of the login server)`,
      });
    else if (error !== '')
      this.#add('host-refuses', 'risky', `${name} refuses the login: ${shown(error)}`, {
        why: 'Look at the OAuth app there.',
      });
  }

  /** The callback address, opened by hand, says what is missing. */
  async #readiness() {
    const { origin, prefix } = this.#server;
    const { id, name } = this.#provider;
    const address = `${origin}${prefix}/auth/${id}/callback`;
    const answer = await this.#ask(new URL(address));
    if (isSilence(answer) || answer.status !== 200 || !isOurs(answer)) {
      const how = isSilence(answer) ? answer.silence : `it answers ${answer.status}`;
      this.#add('hop-callback-missing', 'broken', `The callback address ${shown(address)} does not work: ${how}`, {
        why: `${name} sends the editor back there. Is the function for it deployed, and routed to?`,
      });
      return;
    }
    this.#opener(answer, 'callback page');
    const [title = '', message = ''] = [/<h1>(.*?)<\/h1>/s, /<h1>.*?<p>(.*?)<\/p>/s].map((pattern) =>
      plainText(pattern.exec(answer.body)?.[1] ?? ''),
    );
    if (/\bnot ready\b/i.test(title))
      this.#add('hop-not-ready', 'broken', `${name} is not ready at the login server: ${shown(message)}`, {
        why: 'Those are its own words.',
        where: address,
        ...(/^[A-Z_]+ is (?:not set|set but empty)/.test(message) && { write: `${message.split(' ', 1)[0]}=…` }),
      });
    else if (!/\bready\b/i.test(title))
      this.notChecked.push(`Whether ${name} is ready: see ${shown(address)} in a browser.`);
  }

  /** The only place where an outsider can see the allow-list is the CORS answer of the refresh address. */
  async #origins() {
    const { origin: hop, prefix } = this.#server;
    const origin = siteOrigin(this.#view);
    if (origin === undefined) {
      this.notChecked.push(
        'Whether the CMS page is listed in CMS_AUTH_ORIGINS: run the doctor on the address of the admin page.',
      );
      return;
    }
    const url = new URL(`${hop}${prefix}${this.#provider.refresh?.path ?? ''}`);
    const preflight = { 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' };
    const answer = await this.#ask(url, { method: 'OPTIONS', headers: { origin, ...preflight } });
    const allowed = isSilence(answer) ? undefined : answer.headers.get('access-control-allow-origin');
    if (isSilence(answer) || !isOurs(answer) || ![204, 403].includes(answer.status)) {
      const how = isSilence(answer) ? answer.silence : `${answer.status}`;
      const what = `${shown(url.pathname)} does not answer as it should (${shown(how)})`;
      if (this.#view.host === 'bitbucket')
        this.#add('hop-refresh', 'broken', what, {
          why: 'Bitbucket sessions are renewed there. Is the function for it deployed, and routed to?',
        });
      else this.notChecked.push(`Whether ${shown(origin)} is listed in CMS_AUTH_ORIGINS: ${what}.`);
      return;
    }
    if (allowed !== origin) {
      this.#add(
        'origin-not-listed',
        'broken',
        `${shown(origin)} is not on the login server’s list, so the CMS gets no token`,
        {
          why: 'The login itself works, and then the popup says that this site is not listed.',
          write: `CMS_AUTH_ORIGINS=${shown(origin)}        (in the settings of the login server; commas between several)`,
        },
      );
      return;
    }
    if (this.#view.host === 'bitbucket') await this.#renewal(url, origin);
  }

  /** Asked without a token, the server says whether it would have renewed one; it asks the Git host nothing then. */
  async #renewal(url: URL, origin: string) {
    const answer = await this.#ask(url, { method: 'POST', headers: { origin } });
    if (!isSilence(answer) && answer.body.includes('REFRESH_NOT_ALLOWED'))
      this.#add('hop-refresh-off', 'risky', 'The login server does not renew Bitbucket sessions for this page', {
        why: 'They end after two hours, and what is being written then cannot be saved. It renews for pages that are listed exactly, if the owner names the host.',
        write: 'CMS_AUTH_REFRESH=bitbucket        (in the settings of the login server)',
      });
  }
}

interface Failure {
  code: string;
  message: string;
}

/** The error that a login server hands to the CMS, read from the page that would do so. */
function failureOf(body: string): Failure | undefined {
  const [, handOver] = /id="hand-over">(.*?)<\/script>/s.exec(body) ?? [];
  try {
    const { results } = JSON.parse(handOver ?? '') as { results: { other: string } };
    const told = JSON.parse(results.other.slice(results.other.indexOf('{'))) as Record<string, unknown>;
    return { code: String(told['errorCode'] ?? ''), message: String(told['message'] ?? '') };
  } catch {
    return undefined;
  }
}

const plainText = (html: string): string =>
  html
    .replace(/<[^>]*>/g, '')
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Math.min(Number(code), 0x10ffff)))
    .replace(/\s+/g, ' ')
    .trim();

const isOursPath = (url: URL, id: string): boolean => url.pathname.endsWith(`/auth/${id}/callback`);

/** The origin that asks for the token: the page's, or what the configuration says about the site. */
export function siteOrigin({ answer, config }: View): string | undefined {
  if (answer) return answer.url.origin;
  const text = textOf(config.get('site_url')?.value) ?? textOf(config.get('display_url')?.value);
  return text !== undefined && /^https?:\/\//.test(text) && URL.canParse(text) ? new URL(text).origin : undefined;
}
