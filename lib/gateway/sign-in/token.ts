import { codeChallenge, sameText } from '../../oauth/transaction.ts';
import { decryptCode } from './code.ts';
import { sessionKeys, issueAccessToken, cmsClientId } from '../identity/access-token.ts';
import { isAllowed } from '../identity/editors.ts';
import { gatewaySettings, type RepositoryHost } from '../settings.ts';
import { Failure, webErrors } from '../../http/errors.ts';
import { json, readBody, singleParameters, type HttpReply, type HttpRequest } from '../../http/http.ts';
import { signInErrors } from './errors.ts';
import { configuredClient } from './login.ts';
import type { Context } from '../../handler/router.ts';

/** Bytes of a body. A code has about 1 kB. */
const longest = 16 * 1024;

/**
 * Gives the CMS its access token for a code (RFC 6749, 4.1.3 and RFC 7636, 4.5).
 *
 * Nothing is stored, so a code works for whoever has it and its verifier as often as they like, within its minute: that is the
 * CMS that began, and it gets the same person's token. Without the verifier it is good for nothing.
 *
 * @throws Failure
 */
export async function token(
  { request, settings, address, now, deadline }: Context,
  hosts: readonly RepositoryHost[],
): Promise<HttpReply> {
  const [gateway] = await settings.read([gatewaySettings(hosts, address)]); // before the body, which may take all the time there is
  const { client, secret } = configuredClient(gateway, address);
  const given = await readForm(request, deadline);
  if (given.client_id !== cmsClientId) throw new Failure(signInErrors.WRONG_CLIENT);
  if (given.grant_type !== 'authorization_code') throw new Failure(signInErrors.WRONG_GRANT);
  // What has this form only is what can be a verifier (RFC 7636, 4.1).
  if (!/^[\w.~-]{43,128}$/.test(given.code_verifier ?? ''))
    throw new Failure(webErrors.BAD_REQUEST, { detail: '"code_verifier" is missing or is none' });
  if (!given.code || !given.redirect_uri)
    throw new Failure(webErrors.BAD_REQUEST, { detail: '"code" or "redirect_uri" is missing' });

  const keys = sessionKeys({ issuer: client.issuer, clientId: client.clientId, clientSecret: secret });
  const code = await decryptCode(keys, given.code, { address, now });
  // Mixed up, injected or stolen codes have another verifier; and whoever taps the way to one page is on another.
  if (
    !code ||
    !sameText(codeChallenge(given.code_verifier ?? ''), code.challenge) ||
    given.redirect_uri !== code.redirectUri
  )
    throw new Failure(signInErrors.CODE_SPENT);
  // Asked at every call, and so at this one, too.
  if (!isAllowed(code.editor, gateway.lists)) throw new Failure(signInErrors.CODE_SPENT);

  const seconds = gateway.session;
  return json(200, {
    access_token: await issueAccessToken(keys, code.editor, { seconds, address, now }),
    token_type: 'Bearer',
    expires_in: seconds,
  });
}

const names = ['client_id', 'grant_type', 'code', 'code_verifier', 'redirect_uri'] as const;

/** A form, or JSON for CMSs that are told to send that. Nothing from the query, which logs and histories keep. */
async function readForm(
  request: HttpRequest,
  deadline: number,
): Promise<Record<(typeof names)[number], string | undefined>> {
  const bytes = await readBody(request, { limit: longest, deadline });
  if (!bytes) throw new Failure(webErrors.REQUEST_TOO_LARGE);
  const text = bytes.toString();
  const isJson = /^application\/json\s*(;|$)/i.test(request.headers['content-type'] ?? '');
  return singleParameters(isJson ? jsonParameters(text) : new URLSearchParams(text), names);
}

function jsonParameters(text: string): URLSearchParams {
  try {
    const members = Object.entries(JSON.parse(text) as object);
    return new URLSearchParams(members.filter((pair): pair is [string, string] => typeof pair[1] === 'string'));
  } catch {
    return new URLSearchParams(); // what is no JSON, or holds nothing, holds no code
  }
}
