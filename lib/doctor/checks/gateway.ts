import { shown } from '../finding.ts';
import { usesGateway } from '../probe-gateway.ts';
import { codeOf, isGatewayPage, isThisProduct, missingAt } from '../probe-result.ts';
import { isOlder } from '../admin-page.ts';
import { gatewayBase, gatewayUrl, textOf, withoutHost } from '../server.ts';
import { lines, siteOrigin, type CheckContext } from '../context.ts';
import { isSafe, isNetworkError, parseUrl, reachOf } from '../fetch.ts';
import type { Group, Value } from '../config.ts';
import { example, isSecretKey, type Check, type Settings } from './check.ts';

/** A check of its own only where the CMS works through a gateway. */
const ofGateway = ({ look, ...check }: Check): Check => ({
  ...check,
  look: (context) =>
    usesGateway(context) && (context.atGateway === undefined || answered.includes(check.id)) && look(context),
});

/** Those that are about what the gateway answers, and not about the keys of a CMS that asks it as a gateway. */
const answered = ['gateway-silent', 'gateway-missing', 'gateway-not-ready', 'gateway-origin'];

/** Whether it is Netlify's, as far as the address says. */
export const isNetlifys = (context: CheckContext): boolean =>
  /^\/\.netlify\/|^https:\/\/[^/]+\/\.netlify\//.test(gatewayUrl(context));

/** Whether a gateway answers there. Each wants a token for its settings, and the CMS takes nothing but JSON for an answer. */
const isAnswered = ({ gateway }: CheckContext): boolean =>
  gateway !== undefined &&
  !isNetworkError(gateway.settings) &&
  gateway.settings.status !== 404 &&
  /json/.test(gateway.settings.headers.get('content-type') ?? '');

/**
 * Whether what Netlify has below /.netlify/ is there for this page: Netlify marks its answers, and others may pass such requests on to
 * it. Undefined where nothing says it.
 */
function isOnNetlify(context: CheckContext): boolean | undefined {
  const { answer, gateway } = context;
  if (!answer || asksForSite(context)) return undefined;
  const isPassedOn =
    gateway !== undefined && parseUrl(gateway.base)?.origin === answer.url.origin && isAnswered(context);
  return answer.headers.has('x-nf-request-id') || isPassedOn;
}

/** On this computer, Netlify’s widget asks for the address of the site at Netlify, and the CMS goes there. */
const asksForSite = ({ answer, page }: CheckContext): boolean =>
  answer !== undefined &&
  reachOf(answer.url) === 'loopback' &&
  page?.scripts.some(({ src = '' }) => /netlify-identity/.test(src)) === true;

/** What to write where a gateway of ours should be. */
const ours = (context: CheckContext): string => {
  const { gateway, server } = context;
  if (gateway?.works !== undefined) return gateway.works;
  if (isOurGateway(context)) return gateway?.base ?? `${example}/git`;
  return `${server ? server.origin + server.prefix : example}/git`;
};

const isOurGateway = ({ gateway }: CheckContext): boolean =>
  gateway !== undefined && !isNetworkError(gateway.page) && isGatewayPage(gateway.page);

/** Something answers there that is not of this product, so that only its owner knows what it needs. */
const isOthersGateway = ({ gateway }: CheckContext): boolean =>
  gateway !== undefined && !isNetworkError(gateway.page) && !isThisProduct(gateway.page);

const authOf = ({ config }: CheckContext): Group | undefined => {
  const value = config.get('auth')?.value;
  return value instanceof Map ? value : undefined;
};

/** As the CMS reads it: under `auth`, or in the older spelling under `backend`. */
const authText = (context: CheckContext, key: string): string | undefined =>
  textOf(authOf(context)?.get(key)?.value) ?? context.text(key);

/** Where the popup of a gateway is. */
function gatewayLogin(gateway: string): Settings {
  const { origin, pathname } = new URL(gateway);
  return { base_url: origin, auth_endpoint: `${pathname.slice(1)}/auth` };
}

/** The whole block, with what is there and what is wrong changed; or the line alone, where the keys stand under `backend`. */
function authBlock(context: CheckContext, changes: Record<string, Value> = {}): string {
  if (!authOf(context) && context.text('base_url') !== undefined) return lines(context, changes, 'backend');
  const kept = [...(authOf(context) ?? [])].flatMap(([key, { value }]): [string, Value][] =>
    isSecretKey(key) ? [] : [[key, value]],
  );
  const usual = kept.length > 0 ? {} : { base_url: ours(context), app_id: 'cms', full_name_claim: 'name' };
  return lines(context, { ...Object.fromEntries(kept), ...usual, ...changes }, 'auth');
}

const isPkce = (context: CheckContext): boolean => context.text('auth_type') === 'pkce';
const isAtIssuer = (context: CheckContext): boolean =>
  authOf(context)?.get('use_oidc')?.value === true || context.backend.get('use_oidc')?.value === true;

/** Editors without an account at the Git host: where the gateway is, and where they sign in. */
export const gatewayChecks: readonly Check[] = [
  {
    id: 'gateway-api-root',
    severity: 'broken' as const,
    at: 'backend.api_root',
    look(context: CheckContext) {
      const { atGateway, provider, text } = context;
      const root = text('api_root')?.replace(/\/+$/, '');
      const inside = root === undefined ? undefined : /^(https?:\/\/.+\/git)\/api(?:\/v3)?$/.exec(root)?.[1];
      if (!provider || (atGateway === undefined && inside === undefined) || atGateway === inside) return false;
      return atGateway === undefined || (inside !== undefined && root !== `${atGateway}/api/v3`)
        ? {
            at: 'backend.auth_endpoint',
            about: ['backend.base_url', 'backend.graphql_api_root', 'server'],
            what: 'api_root is a gateway’s, but the login is not',
            why: 'The gateway takes its own sessions only, and those begin at its own popup.',
            fix: { backend: gatewayLogin(inside ?? '') },
          }
        : {
            about: ['backend.graphql_api_root'],
            what: 'The login is a gateway’s, but api_root is not',
            why: 'A session of the gateway means nothing to the Git host: every call after the login fails.',
            fix: { backend: { api_root: `${atGateway}/api/v3` } },
          };
    },
  },
  {
    id: 'gateway-url',
    severity: 'broken' as const,
    at: 'backend.gateway_url',
    look(context: CheckContext) {
      if (!isNetlifys(context)) return false;
      const isThere = isAnswered(context) || isOnNetlify(context);
      const missing = context.text('gateway_url') === undefined;
      const what = missing
        ? 'gateway_url is not set, so the CMS asks Netlify’s Git Gateway'
        : 'gateway_url is Netlify’s Git Gateway';
      if (isThere)
        return {
          severity: 'note',
          what,
          why: `${isAnswered(context) ? 'It answers there.' : 'It is there on Netlify, as long as Git Gateway is switched on.'} A gateway of your own needs this line.`,
          fix: { backend: { gateway_url: ours(context) } },
        };
      if (asksForSite(context))
        return {
          severity: 'risky',
          about: ['backend.identity_url', 'backend.base_url'],
          what: `${what}, which sites on Netlify alone have`,
          why: 'On this computer the CMS goes to the site that you name in Netlify’s login. Run the doctor on the public address of the admin page: there it sees whether Netlify serves it.',
        };
      return {
        severity: isThere === false ? 'broken' : 'risky',
        about: ['backend.identity_url', 'backend.base_url'],
        what: `${what}${isThere === false ? ', but this site is not on Netlify' : ', which sites on Netlify alone have'}`,
        why: 'There is nothing at /.netlify/git elsewhere, and git-gateway ignores base_url under backend. Write where your gateway is, or name the Git host itself to use a login server.',
        fix: { backend: { gateway_url: ours(context) } },
      };
    },
  },
  {
    id: 'gateway-url',
    severity: 'broken' as const,
    at: 'backend.gateway_url',
    look(context: CheckContext) {
      const url = gatewayUrl(context);
      if (url.startsWith('/') && !url.startsWith('//')) return false;
      const parsed = /^https?:\/\//i.test(url) ? parseUrl(url) : undefined;
      if (parsed && isSafe(parsed) && !/[?#@]/.test(url)) return false;
      const [what, why] = !parsed
        ? [
            `gateway_url is no address with https:// in front: ${shown(url)}`,
            'The browser takes it for a path of your own site.',
          ]
        : isSafe(parsed)
          ? [
              `gateway_url is more than an address and a path: ${shown(url)}`,
              'The CMS puts its paths behind it as it is, and browsers call no address with a user name in it.',
            ]
          : [
              'gateway_url begins with http:// instead of https://',
              'A page on https may not call it, and the session would travel in the clear.',
            ];
      return {
        what,
        why,
        fix: {
          backend: {
            gateway_url: parsed ? `https://${parsed.host}${parsed.pathname}`.replace(/\/+$/, '') : ours(context),
          },
        },
      };
    },
  },
  {
    id: 'gateway-url',
    severity: 'risky' as const,
    at: 'backend.gateway_url',
    look(context: CheckContext) {
      const url = gatewayUrl(context).replace(/\/+$/, '');
      return (
        withoutHost(url) !== url && {
          what: 'gateway_url ends with the name of a Git host',
          why: 'The CMS then never asks the gateway which host it is, nor whether this editor may in. The first thing that fails is the list of entries.',
          fix: { backend: { gateway_url: withoutHost(url) } },
        }
      );
    },
  },
  {
    id: 'gateway-silent',
    severity: 'broken' as const,
    at: 'backend.gateway_url',
    look({ gateway }: CheckContext) {
      return (
        gateway !== undefined &&
        isNetworkError(gateway.page) && {
          what: `The gateway ${shown(gateway.base)} cannot be reached: ${gateway.page.networkError}`,
          why: 'The CMS says "Failed to fetch" after the login.',
        }
      );
    },
  },
  {
    id: 'gateway-missing',
    severity: 'broken' as const,
    at: 'backend.gateway_url',
    look(context: CheckContext) {
      const { gateway } = context;
      if (
        !gateway ||
        (context.atGateway === undefined && isNetlifys(context)) ||
        isNetworkError(gateway.page) ||
        isOurGateway(context)
      )
        return false;
      if (gateway.works !== undefined)
        return {
          what: `The gateway is not at ${shown(gateway.base)} but at ${shown(gateway.works)}`,
          why: 'The CMS asks below the address that is written there.',
          fix: { backend: { gateway_url: gateway.works } },
        };
      const { settings } = gateway;
      if (isNetworkError(settings)) return false;
      const isOne = isAnswered(context);
      if (!isOne && isThisProduct(gateway.page) && gateway.base.endsWith('/git'))
        return {
          where: gateway.base,
          what: `The server at ${shown(new URL(gateway.base).host)} is of this product, but has no gateway: CMS_GATEWAY_REPO is not set`,
          why: 'gateway_url is right. Set at that server which repository it writes to, and what else its page at /git names then.',
          write:
            'CMS_GATEWAY_REPO=<the repository’s address, as a browser shows it>        (in the settings of the gateway)',
        };
      // Its page may be switched off.
      if (isOne && isThisProduct(gateway.page)) return false;
      return isOne
        ? {
            severity: 'note',
            what: `The gateway ${shown(gateway.base)} is of another make`,
            why: 'What is missing there, only that server can say.',
          }
        : {
            what: `There is no gateway at ${shown(gateway.base)}: it answers ${settings.status}`,
            why: 'The CMS says that the gateway does not return valid settings.',
            fix: { backend: { gateway_url: ours(context) } },
          };
    },
  },
  {
    id: 'gateway-not-ready',
    severity: 'broken' as const,
    at: 'server',
    look(context: CheckContext) {
      const { gateway } = context;
      if (!gateway || isNetworkError(gateway.page) || !isOurGateway(context)) return false;
      const [first, ...others] = missingAt(gateway.page);
      return (
        first !== undefined && {
          where: gateway.base,
          what: `The gateway is not ready: ${shown(first, 500)}`,
          why:
            others.length > 0
              ? `Then: ${shown(others.join(' '), 1000)}`
              : 'Nobody can log in until it is. Its page says the same.',
        }
      );
    },
  },
  {
    id: 'gateway-origin',
    severity: 'broken' as const,
    at: 'gateway.origins',
    look(context: CheckContext) {
      const { gateway } = context;
      const site = siteOrigin(context);
      return (
        gateway !== undefined &&
        isOurGateway(context) &&
        site !== undefined &&
        codeOf(gateway.settings) === 'SITE_NOT_LISTED' && {
          where: gateway.base,
          what: `The gateway does not list the origin of the page, ${shown(site)}`,
          why: 'The browser keeps its answers from the page, and the CMS says "Failed to fetch".',
          write: `CMS_AUTH_ORIGINS=${site}        (in the settings of the gateway, beside those that are there)`,
        }
      );
    },
  },
  {
    id: 'gateway-auth',
    severity: 'broken' as const,
    at: 'auth',
    look(context: CheckContext) {
      const inside = authOf(context)?.get('auth_type');
      if (inside && context.text('auth_type') === undefined)
        return {
          line: inside.line,
          what: 'auth_type stands under auth instead of under backend',
          why: 'The CMS does not read it there, and shows the form of Netlify Identity.',
          fix: { backend: { auth_type: inside.value } },
        };
      if (context.backend.get('auth')?.value instanceof Map && !authOf(context))
        return {
          at: 'backend.auth',
          about: ['auth'],
          what: 'auth stands under backend instead of at the top level',
          why: 'The CMS does not read it there. Move it to the left margin, with what belongs to it.',
        };
      return (
        authOf(context) !== undefined &&
        !isPkce(context) && {
          what: 'There is an auth block, but no "auth_type: pkce" under backend',
          why: 'The CMS ignores the block, and shows the form of Netlify Identity.',
          fix: { backend: { auth_type: 'pkce' } },
        }
      );
    },
  },
  {
    id: 'gateway-auth',
    severity: 'broken' as const,
    at: 'backend.auth_type',
    look(context: CheckContext) {
      const { cms } = context;
      if (!isPkce(context) || !cms) return false;
      const isOld = cms.name === 'netlify' || (cms.name === 'decap' && isOlder(cms, 3, 8));
      return (
        isOld && {
          about: ['auth'],
          what: `${context.who} knows no "auth_type: pkce" for git-gateway`,
          why: 'It shows the form of Netlify Identity. Use Decap CMS 3.8.3 or newer.',
        }
      );
    },
  },
  {
    id: 'gateway-auth',
    severity: 'broken' as const,
    at: 'auth',
    look(context: CheckContext) {
      if (!isPkce(context)) return false;
      const base = authText(context, 'base_url');
      if (base === undefined)
        return {
          what: '"auth_type: pkce" without base_url under auth',
          why: 'The CMS does not know where editors sign in.',
          ...(!isOthersGateway(context) && { write: authBlock(context, { base_url: ours(context) }) }),
        };
      if (isAtIssuer(context) || !isOurGateway(context)) return false;
      const home = context.gateway?.base;
      if (home !== undefined && base.replace(/\/+$/, '') !== home)
        return {
          what: `base_url under auth is ${shown(base)}, but editors sign in at the gateway, ${shown(home)}`,
          why: 'It has to be the very address of the gateway, /git included, unless the provider gives the CMS its token itself ("use_oidc: true").',
          write: authBlock(context, { base_url: home }),
        };
      const id = authText(context, 'app_id');
      if (id !== 'cms')
        return {
          what: `app_id under auth is ${id === undefined ? 'missing' : shown(id)}: it has to be cms`,
          why: 'By this name the gateway knows the CMS. The client id of the provider belongs into the settings of the gateway.',
          write: authBlock(context, { app_id: 'cms' }),
        };
      for (const [key, usual] of [
        ['auth_endpoint', 'oauth2/authorize'],
        ['auth_token_endpoint', 'oauth2/token'],
      ] as const) {
        const written = authText(context, key)?.replace(/^\/+|\/+$/g, '');
        if (written !== undefined && written !== usual)
          return {
            what: `${key} is ${shown(written)}: the gateway has ${usual}`,
            why: 'The CMS takes that by itself. Delete the line.',
            write: authBlock(context, { [key]: usual }),
          };
      }
      return false;
    },
  },
  {
    id: 'gateway-name-claim',
    severity: 'risky' as const,
    at: 'auth',
    look(context: CheckContext) {
      const base = authText(context, 'base_url');
      if (!isPkce(context) || base === undefined || authText(context, 'full_name_claim') !== undefined) return false;
      // What the tokens of others hold, nobody knows. Where nothing was asked, the form is ours: sign-in at the gateway itself.
      const isOwn =
        isOurGateway(context) || (!isOthersGateway(context) && base.replace(/\/+$/, '') === gatewayBase(context));
      return (
        isOwn && {
          what: 'full_name_claim is not set',
          why: 'The CMS then knows no name of the editor, and signs commits with the first part of the mail address.',
          write: authBlock(context, { full_name_claim: 'name' }),
        }
      );
    },
  },
  {
    id: 'gateway-identity',
    severity: 'broken' as const,
    at: 'backend.identity_url',
    look(context: CheckContext) {
      const identity = context.text('identity_url');
      if (isPkce(context))
        return (
          identity !== undefined && {
            severity: 'note',
            what: 'identity_url means nothing with "auth_type: pkce"',
            why: 'Editors sign in at base_url under auth. Delete the line.',
            fix: { backend: { identity_url: undefined } },
          }
        );
      const isDefault = identity === undefined || identity.startsWith('/.netlify/');
      if (!isDefault || isOnNetlify(context)) return false;
      return {
        severity: isOnNetlify(context) === false ? 'broken' : 'risky',
        what: `${identity === undefined ? 'Neither identity_url nor "auth_type: pkce" is set' : 'identity_url is below /.netlify/'}, so editors log in at Netlify Identity`,
        ...(isNetlifys(context) && isAnswered(context)
          ? {
              why: 'It is there on sites at Netlify alone. Write where that of the gateway’s site is.',
              fix: { backend: { identity_url: gatewayUrl(context).replace(/\/git(?:\/.*)?$/, '/identity') } },
            }
          : {
              why: 'It is there on sites at Netlify alone. Sign in at the gateway instead, or write where your GoTrue is into identity_url.',
              fix: { backend: { auth_type: 'pkce' } },
            }),
      };
    },
  },
  {
    id: 'gateway-branch',
    severity: 'risky' as const,
    at: 'backend.branch',
    look: (context: CheckContext) =>
      context.text('branch') === undefined && {
        what: 'branch is not set, so the CMS takes master',
        why: `It has to be the branch that the gateway writes to${isOthersGateway(context) ? '' : ': CMS_GATEWAY_BRANCH, which is main by itself'}.`,
        fix: { backend: { branch: 'main' } },
      },
  },
  {
    id: 'gateway-repo',
    severity: 'note' as const,
    at: 'backend.repo',
    look: (context: CheckContext) =>
      context.text('repo') !== undefined && {
        what: 'repo means nothing with git-gateway',
        why: `Which repository it is, only the gateway says${isOthersGateway(context) ? '' : ': CMS_GATEWAY_REPO'}. Delete the line.`,
        fix: { backend: { repo: undefined } },
      },
  },
  {
    id: 'gateway-status',
    severity: 'note' as const,
    at: 'backend.status_endpoint',
    look: (context: CheckContext) =>
      isOurGateway(context) &&
      context.text('status_endpoint') === undefined && {
        what: 'status_endpoint is not set, so editors are told of outages at Netlify',
        why: 'The gateway says of itself whether it works.',
        fix: { backend: { status_endpoint: `${context.gateway?.base}/status` } },
      },
  },
].map((check) => (check.id === 'gateway-api-root' ? check : ofGateway(check)));
