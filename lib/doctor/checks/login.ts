import { articled, baseOfApi, registrationAddress, settingPrefix, type KnownHost } from '../../providers/provider.ts';
import { shown, withoutUser } from '../finding.ts';
import { loginServers } from '../../providers/login-servers.ts';
import {
  isExample,
  isLogin,
  wordsOf,
  refused,
  reported,
  unlisted,
  type LoginProbe,
  type Reported,
} from '../probe-result.ts';
import { openerPolicy } from '../policy.ts';
import { joined } from '../server.ts';
import { lines, type CheckContext } from '../context.ts';
import { isNetworkError, reachOf, type HttpResponse } from '../fetch.ts';
import { endpointFix, isOthers, setting, type Check, type Problem } from './check.ts';

/** The answers of the login server, as far as there are any: each check looks at one of them. */
const answersOf = ({ begin, onward, callback }: LoginProbe): HttpResponse[] =>
  [begin, onward, callback].filter((answer): answer is HttpResponse => answer !== undefined && !isNetworkError(answer));

/** What a login cannot begin without. */
const settingOf = (context: CheckContext, { message }: Reported): string | undefined => {
  const prefix = context.provider && settingPrefix(context.provider);
  const names = ['CLIENT_ID', 'CLIENT_SECRET', 'URL', 'SCOPE'].map((name) => `${prefix}_${name}`);
  return [...names, 'CMS_AUTH_ORIGINS', 'CMS_AUTH_URL', 'CMS_AUTH_REFRESH'].find((name) =>
    new RegExp(`\\b${name}\\b`).test(message),
  );
};

/** Whose server it is, if it is a known one. */
const ownerOf = ({ probe }: CheckContext): string | undefined => {
  const known = loginServers.find(({ origin }) => origin === probe?.server.origin);
  return known && `${known.name}’s`;
};

/** What a server of others says itself, and what to do there. */
function theirWords({ probe }: CheckContext): string {
  if (!probe || probe.ours || isNetworkError(probe.begin)) return '';
  const words = wordsOf(probe.begin);
  const known = loginServers.find(({ origin }) => origin === probe.server.origin);
  return `${words === '' ? '' : ` It says: “${words}”.`}${known ? ` ${known.advice}` : ''}`;
}

/** The address of the first step, as somebody would look at it. */
const addressOf = ({ server }: LoginProbe): string => joined(server.origin, server.endpoint);

/** Where to register the app that is missing. */
function formFor(provider: KnownHost, { server, text }: CheckContext): string {
  const [form] = provider.registrations;
  const base = baseOfApi(provider, text('api_root') ?? '') ?? provider.url;
  const origin = server?.origin ?? 'https://auth.example.com';
  const callback = joined(origin, `${server?.prefix ?? ''}/auth/${provider.id}/callback`);
  return registrationAddress(withoutUser(base), form, { name: 'CMS login', homepage: origin, callback });
}

/** Whether a login begins at all, and what the login server says itself. */
export const loginChecks: readonly Check[] = [
  {
    id: 'hop-example',
    severity: 'risky',
    look: ({ usesLoginServer, server, name }) =>
      usesLoginServer &&
      server !== undefined &&
      isExample(server) && {
        about: ['server'],
        where: name,
        what: `${shown(server.origin)} is the address of an example, so it was not asked`,
        why: 'Nobody can have that name (RFC 2606). Write the address of your own login server.',
      },
  },
  {
    id: 'hop-unreachable',
    severity: 'broken',
    at: 'server',
    look: ({ probe }) =>
      probe !== undefined &&
      isNetworkError(probe.begin) && {
        what: `The login server ${shown(probe.server.origin)} cannot be reached: ${shown(probe.begin.networkError)}`,
        why: 'The popup shows an error of the browser. Is base_url spelt right, and the server deployed?',
      },
  },
  {
    id: 'hop-foreign',
    severity: 'note',
    at: 'server',
    look: (context) =>
      isOthers(context) && {
        what: `The login server ${shown(context.probe?.server.origin)} is ${ownerOf(context) ?? 'not this product'}`,
        why: 'A login begins there. Only what every login server has in common was checked.',
      },
  },
  {
    id: 'hop-not-set-up',
    severity: 'broken',
    at: 'server',
    look(context) {
      const words = reported(context.probe?.begin);
      const { provider } = context;
      if (!provider || words?.code !== 'SETTING_MISSING') return false;
      const prefix = settingPrefix(provider);
      return (
        settingOf(context, words) === `${prefix}_CLIENT_ID` && {
          what: `${provider.name} is not set up at the login server: ${prefix}_CLIENT_ID is not set`,
          why: `Register ${articled(provider.registrations[0].what)} at ${provider.name}, set its client id and secret at the login server, and deploy that again. The form${provider.registrations[0].prefill ? ', filled in' : ''}: ${formFor(provider, context)}`,
          write: `${prefix}_CLIENT_ID=…\n${prefix}_CLIENT_SECRET=…`,
        }
      );
    },
  },
  {
    id: 'hop-cookie',
    severity: 'broken',
    at: 'server.cookie',
    look({ probe }) {
      if (!probe || isNetworkError(probe.begin) || probe.begin.headers.getSetCookie().length > 0) return false;
      if (!isLogin(probe.next) && !probe.onwardUrl) return false;
      return probe.ours
        ? {
            // Whatever comes later fails for that.
            about: ['server'],
            what: 'The cookie of the login does not arrive',
            why: 'Every login would end with a lost cookie. Something in front of the login server takes "Set-Cookie" away: a cache, a CDN.',
          }
        : {
            severity: 'risky',
            what: 'The login server sets no cookie',
            why: 'Then it cannot tell whether a login ends in the browser in which it began.',
          };
    },
  },
  {
    id: 'hop-refuses',
    severity: 'broken',
    at: 'server',
    look(context) {
      const words = reported(context.probe?.begin) ?? reported(context.probe?.onward);
      if (!words || words.code === unlisted) return false;
      // Everything else says by itself whose setting or which browser it is about.
      const fix = words.code === 'PROVIDER_MISMATCH' && { fix: { backend: endpointFix(context, 'auth') } };
      return {
        what: `The login server refuses: ${shown(words.message, 600)}`,
        why: `Those are its own words (${shown(words.code)}).`,
        ...fix,
      };
    },
  },
  {
    id: 'hop-refuses',
    severity: 'broken',
    at: 'server',
    look(context) {
      const words = refused(context.probe?.begin);
      if (!words) return false;
      if (words.code !== unlisted)
        return {
          what: `The login server refuses: ${shown(words.message, 600)}`,
          why: 'Those are its own words.',
        };
      const name = siteName(context);
      return name === undefined
        ? {
            severity: 'note',
            what: 'The login server is for certain sites only',
            why: `It goes by the name of the site, which is not known here. Run the doctor on the public address of the admin page. It says: “${shown(words.message, 600)}”.`,
          }
        : {
            what: `The login server refuses: ${shown(words.message, 600)}`,
            why: `Those are its own words. It was asked for ${shown(name)}: that name has to be on its list of sites.`,
          };
    },
  },
  {
    id: 'hop-moved',
    severity: 'broken',
    at: 'server',
    look(context) {
      const { probe } = context;
      if (!probe || probe.onwardUrl || !probe.next || isLogin(probe.next)) return false;
      const { next, server, works, isMoved = false } = probe;
      const isNear = (isMoved && works ? works : next).origin === server.origin;
      const advice = isMoved ? 'Write the final address.' : 'Are base_url and auth_endpoint right?';
      return {
        severity: isNear && isMoved ? 'risky' : 'broken',
        about: ['server'],
        what: `The login server redirects to ${shown(next.origin + next.pathname)} before the login begins`,
        why: !isNear
          ? `The popup then is on another origin than base_url, so the CMS waits forever. ${advice}`
          : isMoved
            ? `That is one more step for every login, and some servers lose the query on the way. ${advice}`
            : `No login begins there either, so the CMS waits forever. ${advice}`,
        ...(works && {
          fix: {
            backend: {
              ...(works.origin !== server.origin && { base_url: works.origin }),
              ...endpointFix(context, works.endpoint),
            },
          },
        }),
      };
    },
  },
  {
    id: 'hop-not-found',
    severity: 'broken',
    at: 'server',
    look(context) {
      const { probe } = context;
      if (!probe || isNetworkError(probe.begin)) return false;
      const { status } = probe.begin;
      // A server of ours may have words of its own for an address where it has nothing.
      if (status !== 404 && !(probe.ours && status === 400 && !reported(probe.begin))) return false;
      const endpoint = probe.works?.endpoint;
      return {
        what: `There is no login at ${shown(addressOf(probe))}: it answers ${status}`,
        why:
          endpoint === undefined
            ? `The popup shows that page.${theirWords(context)} Is base_url the address of the login server, and auth_endpoint right? On a static host, are the functions deployed?`
            : endpoint === 'auth'
              ? 'The popup shows that page. There is one at /auth, where every CMS looks by itself.'
              : `The popup shows that page. There is one at /${shown(endpoint)}.`,
        ...(endpoint !== undefined && { fix: { backend: endpointFix(context, endpoint) } }),
      };
    },
  },
  {
    id: 'hop-no-login',
    severity: 'broken',
    at: 'server',
    look(context) {
      const { probe, provider } = context;
      if (!probe || isNetworkError(probe.begin) || probe.next || probe.onwardUrl || refused(probe.begin)) return false;
      const { status, body } = probe.begin;
      // Some pages go on by a script of their own.
      if (status === 200 && /authorizing:|client_id=|http-equiv=["']?refresh/i.test(body))
        return {
          severity: 'note',
          what: `${shown(addressOf(probe))} answers with a page that goes on by a script`,
          why: 'Scripts are not run here, so where the login leads was not checked.',
        };
      return {
        what: `${shown(addressOf(probe))} is no login server: it answers ${status} instead of a login at ${provider?.name}`,
        why:
          status >= 500
            ? 'Something is wrong there; its log says what.'
            : `The popup shows a page that knows nothing of the CMS, and the CMS waits forever.${theirWords(context)}`,
      };
    },
  },
  {
    id: 'hop-address',
    severity: 'broken',
    at: 'server',
    look(context) {
      const next = context.probe?.onwardUrl;
      return next && next.origin !== context.probe?.server.origin && addressProblem(context, next.origin);
    },
  },
  {
    id: 'hop-begin-missing',
    severity: 'broken',
    at: 'server',
    look({ probe }) {
      const { onward, onwardUrl, next } = probe ?? {};
      if (!onward || !onwardUrl || next || reported(onward)) return false;
      const how = isNetworkError(onward) ? onward.networkError : `it answers ${onward.status}`;
      return {
        what: `The second step of the login does not work, ${shown(onwardUrl.pathname)}: ${shown(how)}`,
        why: 'The popup goes there as soon as the CMS has answered it. Is the function for it deployed, and routed to?',
      };
    },
  },
  {
    id: 'hop-coop',
    severity: 'broken',
    at: 'server.opener',
    look({ probe }) {
      const answer = probe && answersOf(probe).find(({ headers }) => isCut(openerPolicy(headers)));
      return (
        answer && {
          what: `The login server sends "Cross-Origin-Opener-Policy: ${shown(openerPolicy(answer.headers))}" at ${shown(answer.url.pathname)}`,
          why: 'That cuts the popup off from the CMS, also on a redirect. Something in front of the login server adds "secure headers".',
          write: 'Cross-Origin-Opener-Policy: unsafe-none        (for /auth and what is below)',
        }
      );
    },
  },
  {
    id: 'hop-permanent',
    severity: 'risky',
    at: 'server.permanent',
    look({ probe }) {
      const answer = probe && answersOf(probe).find(({ status }) => [301, 308].includes(status));
      return (
        answer && {
          what: `The login server begins a login with ${answer.status}, which browsers keep`,
          why: 'The next login then begins with an old state (RFC 9700, 4.12). It should be 302.',
        }
      );
    },
  },
  {
    id: 'hop-cookie',
    severity: 'broken',
    at: 'server.cookie',
    look: ({ probe }) =>
      probe !== undefined &&
      cookiesOf(probe).length > 0 &&
      cookiesOf(probe).every((attributes) => attributes.includes('samesite=strict')) && {
        what: 'The cookie of the login is "SameSite=Strict"',
        why: 'It does not come along when the Git host sends the browser back. It has to be Lax.',
      },
  },
  {
    id: 'hop-cookie',
    severity: 'risky',
    at: 'server.cookie',
    look({ probe }) {
      const wanted = ['httponly', ...(probe?.server.origin.startsWith('https:') ? ['secure'] : [])];
      const lacking = wanted.filter(
        (attribute) => probe && !cookiesOf(probe).every((attributes) => attributes.includes(attribute)),
      );
      return (
        lacking.length > 0 && {
          what: `The cookie of the login lacks ${lacking.join(' and ')}`,
          why: 'Scripts, or others on the way, could read it.',
        }
      );
    },
  },
  {
    id: 'hop-callback-missing',
    severity: 'broken',
    at: 'server.ready',
    look({ probe, provider }) {
      const answer = probe?.callback;
      if (!answer || reported(answer)) return false;
      const address = `${probe.server.origin}${probe.server.prefix}/auth/${provider?.id}/callback`;
      const how = isNetworkError(answer) ? answer.networkError : `it answers ${answer.status}`;
      return {
        what: `The callback address ${shown(address)} does not work: ${shown(how)}`,
        why: `${provider?.name} sends the editor back there. Is the function for it deployed, and routed to?`,
      };
    },
  },
  {
    id: 'hop-not-ready',
    severity: 'broken',
    at: 'server.ready',
    look(context) {
      const answer = context.probe?.callback;
      const words = reported(answer);
      if (!words || words.code === 'READY') return false;
      const setting = ['SETTING_MISSING', 'SETTING_EMPTY'].includes(words.code) ? settingOf(context, words) : undefined;
      return {
        what: `${context.provider?.name} is not ready at the login server: ${shown(words.message, 600)}`,
        why: 'Those are its own words.',
        ...(answer && !isNetworkError(answer) && { where: answer.url.href }),
        ...(setting !== undefined && { write: `${setting}=…` }),
      };
    },
  },
];

/** The login begins at one address and ends at another. */
export function addressProblem(context: CheckContext, found: string): Problem {
  const { origin = '', prefix = '' } = context.probe?.server ?? {};
  const { write } = setting(context, `CMS_AUTH_URL=${origin}${prefix}`);
  return {
    about: ['server.consent'],
    what: `The login server takes its address for ${shown(found)}, but base_url is ${shown(origin)}`,
    why: 'The login begins at one address and ends at the other, where its cookie is not, and where the CMS does not listen. Make both the same: base_url, or the setting of the login server.',
    write: [write, lines(context, { base_url: found }, 'backend') + (write === undefined ? '' : '        (or this)')]
      .filter((line) => line !== undefined)
      .join('\n'),
  };
}

const isCut = (policy: string | undefined): boolean => policy !== undefined && policy !== 'unsafe-none';

/** By what name the CMS asks for a token. On this computer it names a site of its maker's, which nobody can put on a list. */
function siteName({ probe, text }: CheckContext): string | undefined {
  const { site } = probe ?? {};
  if (site === undefined) return text('site_domain');
  const url = new URL(site);
  return reachOf(url) === 'loopback' ? undefined : (text('site_domain') ?? url.hostname);
}

/** The attributes of each cookie of the login. */
const cookiesOf = ({ begin }: LoginProbe): string[][] =>
  isNetworkError(begin)
    ? []
    : begin.headers.getSetCookie().map((cookie) =>
        cookie
          .split(/;\s*/)
          .slice(1)
          .map((part) => part.toLowerCase()),
      );
