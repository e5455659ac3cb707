import { parseOrigins } from '../../http/origins.ts';
import { otherBackends } from '../../providers/others.ts';
import { shown } from '../finding.ts';
import { isCmsScript } from '../admin-page.ts';
import { connects, evaluates, openerPolicy, policiesOf, runs, sandboxed } from '../policy.ts';
import { readAddress } from '../server.ts';
import { renews, rootsOf, type CheckContext } from '../context.ts';
import { isSafe, parseUrl } from '../fetch.ts';
import { usesGateway } from '../probe-gateway.ts';
import { isOthers, type Check } from './check.ts';
import { isNetlifys } from './gateway.ts';

/** Whether somebody logs in, whose token goes to the page. */
const logsIn = ({ host = '', isLocal, isSveltia, backend }: CheckContext): boolean =>
  !isLocal &&
  otherBackends.get(host)?.isOpen !== true &&
  !(isSveltia && backend.get('auth_methods')?.items?.includes('oauth') === false);

/** Whether it is known how the page logs in: a backend that it registers itself may do as it likes. */
const isKnown = ({ given, host = '', provider }: CheckContext): boolean =>
  given.config !== undefined && (provider !== undefined || otherBackends.has(host));

/**
 * Whether a popup is opened for the login. Without a login server, Decap CMS and its relatives go to the Git host in the page itself, and
 * Sveltia CMS in a popup.
 *
 * @see decap-cms-lib-auth, src/pkce-oauth.js
 */
const opensPopup = (context: CheckContext): boolean =>
  !isKnown(context) || context.usesLoginServer || (context.isSveltia && logsIn(context));

/** Whether a server of ours may have a say, with its list of sites. */
const isListed = (context: CheckContext): boolean =>
  !isKnown(context) || context.usesLoginServer || (usesGateway(context) && !isNetlifys(context));

/** What the admin page sends along. */
export const pageChecks: readonly Check[] = [
  {
    id: 'page-http',
    severity: 'broken',
    at: 'page',
    look(context) {
      const { answer, isSveltia } = context;
      if (!answer || isSafe(answer.url) || !(isListed(context) || isSveltia || logsIn(context))) return false;
      const why = isListed(context)
        ? 'A token may go to a page on https only, so this origin cannot be listed in CMS_AUTH_ORIGINS.'
        : isSveltia
          ? 'Sveltia CMS stops on such a page.'
          : 'Others on the way could read what a login sends, and most CMSs refuse to log in there.';
      return {
        what: 'The admin page is on http:// instead of https://',
        why: `${why} Serve the site on https, and redirect to that.`,
        write: shown(answer.url.href.replace(/^http:/, 'https:')),
      };
    },
  },
  {
    id: 'page-coop',
    severity: 'broken',
    look(context) {
      const policy = openerPolicy(context.answer?.headers);
      return (
        policy !== undefined &&
        opensPopup(context) &&
        !['same-origin-allow-popups', 'unsafe-none'].includes(policy) && {
          at: 'page',
          what: `The admin page sends "Cross-Origin-Opener-Policy: ${shown(policy)}", which cuts the popup off from the CMS`,
          why: 'The popup then has no opener to hand the token to: Decap stays silent, Sveltia says "Authentication aborted". Often the header is set for the whole site.',
          write: 'Cross-Origin-Opener-Policy: same-origin-allow-popups        (for the admin page)',
        }
      );
    },
  },
  {
    id: 'page-csp-script',
    severity: 'broken',
    look(context) {
      const { answer, page, cms, who } = context;
      if (!answer || !page) return false;
      const policies = policiesOf(answer.headers, page);
      const base = parseUrl(page.base ?? '', answer.url) ?? answer.url;
      const own = answer.url.origin;
      const blocked = page.scripts.filter(({ src, text, isVouched }) => {
        const url = src === undefined ? undefined : parseUrl(src, base);
        // Of the scripts in the page, those count that start the CMS.
        if (src === undefined ? !/\binit(?:CMS)?\b|CMS_MANUAL_INIT/.test(text) : !url || !isCmsScript(src))
          return false;
        return !policies.every((policy) => runs(policy, { url, isVouched }, own));
      });
      const [first] = blocked;
      if (first) {
        const url = first.src === undefined ? undefined : parseUrl(first.src, base);
        const source = url === undefined ? "'unsafe-inline'" : url.origin === own ? "'self'" : url.origin;
        const evaluating = cms && cms.name !== 'sveltia' ? " 'unsafe-eval'" : '';
        return {
          at: 'page',
          what: `The Content-Security-Policy of the admin page blocks the script ${url ? `of the CMS (${shown(url.host)})` : 'that starts the CMS'}`,
          why: 'The browser does not run it, and the page stays blank.',
          write: `script-src ${source}${evaluating}        (add to what is there, for the admin page)`,
        };
      }
      return (
        cms !== undefined &&
        cms.name !== 'sveltia' &&
        !policies.every(evaluates) && {
          at: 'page',
          what: `The Content-Security-Policy of the admin page lacks 'unsafe-eval', which ${who} needs`,
          why: 'It checks its configuration with functions that it makes while it runs. Blocked, it stops before it shows its login.',
          write: "script-src 'unsafe-eval'        (add to what is there, for the admin page)",
        }
      );
    },
  },
  {
    id: 'page-csp',
    severity: 'broken',
    look(context) {
      if (!context.answer || !context.provider) return false;
      const policies = policiesOf(context.answer.headers, context.page);
      if (policies.some(sandboxed))
        return {
          at: 'page',
          what: 'The Content-Security-Policy of the admin page is a sandbox without popups',
          why: 'The browser opens no popup, or one that cannot talk to the page.',
          write: 'sandbox allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox allow-forms',
        };
      const needed = [...new Set(Object.values(rootsOf(context)).flatMap((root) => readAddress(root)?.origin ?? []))];
      const server = renews(context) ? context.server?.origin : undefined;
      const { url } = context.answer;
      const missing = [...needed, ...(server === undefined ? [] : [server])].filter(
        (origin) => !policies.every((policy) => connects(policy, origin, url.origin)),
      );
      return (
        missing.length > 0 && {
          severity: missing.some((origin) => needed.includes(origin)) ? 'broken' : 'risky',
          at: 'page',
          what: `The Content-Security-Policy of the admin page does not let the CMS call ${missing.map((origin) => shown(origin)).join(', ')}`,
          why: 'The login itself works, but the calls after it are blocked, and the CMS says that it does not find the repository or cannot renew the session.',
          write: `connect-src 'self' ${missing.join(' ')}        (add to what is there)`,
        }
      );
    },
  },
  {
    id: 'deploy-preview',
    severity: 'note',
    look(context) {
      // Netlify's own login is Netlify's business.
      if (!isListed(context) && (!logsIn(context) || context.host === 'git-gateway')) return false;
      const { hostname = '', origin = '' } = context.answer?.url ?? {};
      const [label = '', ...parents] = hostname.split('.');
      const preview = /^(.*?)\d+--(.+)$/.exec(label) ?? /^()[\w-]+?--(.+)$/.exec(label);
      const domain = parents.join('.');
      // Some hosts write the site's name last, some first. Where the login server takes no star, it is this very preview.
      const patterns = [`${preview?.[1]}*--${preview?.[2]}`, `${label.split('--')[0]}--*`];
      const entry = patterns
        .map((pattern) => `https://${pattern}.${domain}`)
        .find((pattern) => !('problem' in parseOrigins(pattern)));
      return (
        preview !== null &&
        parents.length >= 2 &&
        !label.startsWith('xn--') && {
          at: 'page',
          what: `The admin page is on a deploy preview (${shown(origin)}), which has an origin of its own`,
          why: isListed(context)
            ? 'It gets a token only if its pattern is listed, and never a renewed session. List one knowingly: whoever can open a pull request can run a script there.'
            : 'The login leads back only to addresses that are registered for it. Register one of a preview knowingly: whoever can open a pull request can run a script there.',
          ...(isListed(context) &&
            !isOthers(context) && { write: `CMS_AUTH_ORIGINS=https://www.example.com,${entry ?? origin}` }),
        }
      );
    },
  },
];
