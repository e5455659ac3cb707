import { settingPrefix } from '../../providers/provider.ts';
import { shown } from '../finding.ts';
import { isLogin } from '../probe-result.ts';
import { isNetworkError, target, type HttpResponse } from '../fetch.ts';
import type { CheckContext } from '../context.ts';
import { setting, type Check } from './check.ts';

const consentOf = ({ probe }: CheckContext): HttpResponse | undefined =>
  probe?.consent && !isNetworkError(probe.consent) ? probe.consent : undefined;

const errorOf = (answer: HttpResponse): string => target(answer)?.searchParams.get('error') ?? '';

/** How a page says that a callback address is not registered. */
const wrongCallback =
  /invalid redirect[ _-]?ur[il]\b|redirect[ _-]?ur[il]\b[^<]{0,80}(?:not valid|invalid|match|not registered)/i;

/**
 * What the Git host says to the login. Most of the time it first wants to know who is there; some say at once that they do
 * not know the application, or not this callback address.
 */
export const consentChecks: readonly Check[] = [
  {
    id: 'callback-not-registered',
    severity: 'broken',
    at: 'server.callback',
    look(context) {
      const answer = consentOf(context);
      const name = context.provider?.name;
      const isWrong =
        answer &&
        (errorOf(answer) === 'redirect_uri_mismatch' || (answer.status >= 400 && wrongCallback.test(answer.body)));
      return (
        isWrong && {
          about: ['server.consent'],
          what: `The callback address is not registered at ${name}`,
          why: `${name} refuses to send the editor back to the login server. Register exactly this address in the OAuth app:`,
          write: answer.url.searchParams.get('redirect_uri') ?? '',
        }
      );
    },
  },
  {
    id: 'client-unknown',
    severity: 'broken',
    at: 'server.consent',
    look(context) {
      const id = context.probe?.next?.searchParams.get('client_id');
      // What a program sends whose own setting is missing.
      const isNone = id !== undefined && id !== null && ['', 'undefined', 'null'].includes(id.trim());
      return (
        isNone &&
        context.provider && {
          what: `The login server sends no client id to ${context.provider.name} (client_id=${id})`,
          why: `${context.provider.name} refuses the login. The client id is missing in the settings of the login server.`,
          ...setting(context, `${settingPrefix(context.provider)}_CLIENT_ID=…`),
        }
      );
    },
  },
  {
    id: 'client-form',
    severity: 'broken',
    at: 'server.consent',
    look(context) {
      const { provider, probe, diagnosis } = context;
      const id = isLogin(probe?.next) && !context.atGateway ? probe?.next?.searchParams.get('client_id') : undefined;
      if (!provider || !id?.trim()) return false;
      const { secret, otherId } = diagnosis;
      const [what, why] = /^["'“]|["'”]$/.test(id.trim())
        ? ['with quotation marks around it', 'They stand in the settings of the login server and count as part of it.']
        : /\s/.test(id)
          ? ['with a blank in it', 'It came along when the client id was copied into the settings of the login server.']
          : secret?.test(id)
            ? [
                'that looks like a client secret',
                'Are the two exchanged in the settings of the login server? Then the secret is public now: make a new one.',
              ]
            : otherId?.form.test(id)
              ? [`that looks like the ${otherId.name}`, 'The client id stands on the same page, and is another one.']
              : [];
      return (
        what !== undefined &&
        why !== undefined && {
          what: `The login server sends ${provider.name} a client id ${what}`,
          why: `${provider.name} does not know it and refuses the login. ${why}`,
          ...setting(context, `${settingPrefix(provider)}_CLIENT_ID=…`),
        }
      );
    },
  },
  {
    id: 'client-unknown',
    severity: 'broken',
    at: 'server.consent',
    look(context) {
      const answer = consentOf(context);
      const isUnknown =
        answer &&
        (answer.status === 404 || (answer.status >= 400 && /(?:invalid|unknown)[ _]client/i.test(answer.body)));
      return (
        isUnknown &&
        context.provider && {
          what: `${context.provider.name} does not know the client id of the login server`,
          why: 'It belongs to another instance, was mistyped, or the OAuth app was deleted.',
          ...setting(context, `${settingPrefix(context.provider)}_CLIENT_ID=…`),
        }
      );
    },
  },
  {
    id: 'host-refuses',
    severity: 'risky',
    at: 'server.consent',
    look(context) {
      const answer = consentOf(context);
      const error = answer && errorOf(answer);
      return (
        error !== undefined &&
        error !== '' && {
          what: `${context.provider?.name} refuses the login: ${shown(error)}`,
          why: 'Look at the OAuth app there.',
        }
      );
    },
  },
];
