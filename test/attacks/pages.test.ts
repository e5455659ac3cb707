/** What is posted to the opener, and the pages that do it, read with a plain HTTP client. The letters are those of the checklist that SECURITY.md follows. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import { originsSetting } from '../../lib/config/settings.ts';
import { matchOrigin } from '../../lib/http/origins.ts';
import { listen, send } from '../hosts/http.ts';
import { attack } from './attack.ts';
import {
  address,
  codeOf,
  popupResultOf,
  preview,
  site,
  startLoginServer,
  type LoginServer,
  type Id,
} from './login-server.ts';

const ids: Id[] = ['github', 'gitlab', 'bitbucket'];
const markup = `"'></script><script>alert(1)</script>`;

let loginServer: LoginServer;
beforeAll(async () => {
  loginServer = await startLoginServer();
});
afterAll(() => loginServer.close());
beforeEach(() => loginServer.reset());
const expectRefused = (...given: Parameters<LoginServer['expectRefused']>) => loginServer.expectRefused(...given);

describe('What is posted to the opener (P1 to P10)', () => {
  attack('P1, P6 site_id, Referer and Origin of a listed page', async () => {
    const headers = { referer: `${site}/admin/`, origin: site };
    const { reply } = await loginServer.start('/auth', 'provider=github&site_id=www.example.com', {
      headers,
      origin: 'https://evil.example',
    });
    expect(popupResultOf(reply)).toMatchObject({ origin: 'https://evil.example' });
    expectRefused(reply, 'UNSUPPORTED_DOMAIN');
    expect(loginServer.asked()).toBe(0);
    return 'change nothing: the page asks the browser who the opener is';
  });

  attack('P5 a deploy preview that the owner has not listed', async () => {
    const origins = originsSetting({ origin: address }).read({});
    expect(origins).toEqual({ exact: [address], patterns: [] });
    expect(matchOrigin(origins, preview)).toBeUndefined();
    return 'is not listed: without a setting, our own origin alone is';
  });

  attack('P5 a deploy preview that a pattern lists', async () => {
    for (const id of ids) {
      const seen = async (origin: string) => {
        const { parameters, cookie } = await loginServer.begin(id, `/auth/${id}/authorize`, { origin });
        return popupResultOf(await loginServer.finish(id, parameters, cookie)) ?? { message: '', origin: '' };
      };
      expect((await seen(site)).message).toMatch(/refresh_?[tT]oken/);
      const { message, origin } = await seen(preview);
      expect(origin).toBe(preview);
      expect(message).toContain('"token"');
      expect(message).not.toMatch(/refresh/i);
    }
    return 'remains: it gets the token, and never the refresh token';
  });

  attack('P7 somebody else’s words in a message of ours', async () => {
    for (const error of ['access_denied', markup, 'x'.repeat(1000)]) {
      const { parameters, cookie } = await loginServer.begin('github');
      parameters.delete('code');
      for (const [name, value] of Object.entries({
        error,
        error_description: `the-words ${markup}`,
        error_uri: 'javascript:the-words',
      }))
        parameters.set(name, value);
      const reply = await loginServer.finish('github', parameters, cookie);
      expect(reply.body).not.toMatch(/the-words|alert|xxxx/);
      expect(popupResultOf(reply)).toMatchObject({ origin: site });
      expect(reply.body).not.toContain('deploy-preview');
    }
    return 'none: fixed words only, and no list of origins';
  });

  attack('P7 the token endpoint’s words in a message of ours', async () => {
    for (const error of ['the-words', 'invalid_grant', markup]) {
      const evil = await listen((_, response) =>
        send(response, 400, 'application/json', JSON.stringify({ error, error_description: 'the-words' })),
      );
      loginServer.env['GITLAB_URL'] = evil.url;
      const { state, cookie } = await loginServer.start('/auth/gitlab');
      const reply = await loginServer.finish('gitlab', `code=x&state=${state}`, cookie);
      await evil.close();
      expect(codeOf(reply)).toMatch(/^(HOST_REFUSED|CODE_REJECTED)$/);
      expect(reply.body + JSON.stringify(loginServer.log)).not.toMatch(/the-words|alert/);
    }
    return 'none: fixed words only';
  });

  attack('P9, H3 a token that would end the script or the line', async () => {
    const token = `</script><!--<script>&"'`;
    const evil = await listen((_, response) =>
      send(response, 200, 'application/json', JSON.stringify({ access_token: token, token_type: 'bearer' })),
    );
    loginServer.env['GITLAB_URL'] = evil.url;
    const { state, cookie } = await loginServer.start('/auth/gitlab');
    const reply = await loginServer.finish('gitlab', `code=x&state=${state}`, cookie);
    await evil.close();
    expect(reply.body.match(/<\/?script/g)).toHaveLength(4);
    const [, json = ''] = /^authorization:gitlab:success:(.+)$/.exec(popupResultOf(reply)?.message ?? '') ?? [];
    expect(JSON.parse(json)).toMatchObject({ token });
    return 'arrives as it is, in one line, and ends nothing';
  });
});

describe('The pages (H1 to H11)', () => {
  attack('H1 to H7, H11 a page, a redirect or an error without its headers', async () => {
    const { parameters, cookie } = await loginServer.begin('github');
    const replies = [
      await loginServer.ask('/auth'),
      await loginServer.ask('/auth/github'),
      (await loginServer.start('/auth/github')).reply,
      (await loginServer.start('/auth/github', '', { origin: 'https://evil.example' })).reply,
      await loginServer.ask('/auth/github/begin'),
      await loginServer.ask('/auth', 'provider=nobody'),
      await loginServer.ask('/auth/github/callback'),
      await loginServer.ask('/nothing'),
      await loginServer.ask('/auth/github', '', { method: 'POST' }),
      await loginServer.ask('/auth/refresh', '', { method: 'POST' }),
      await loginServer.finish('github', parameters, cookie),
      await loginServer.finish('github', parameters),
    ];
    for (const { headers, body } of replies) {
      expect(headers).toMatchObject({
        'cache-control': 'private, no-store',
        'cross-origin-opener-policy': 'unsafe-none',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
      });
      expect(headers).not.toHaveProperty('access-control-allow-origin');
      if (!headers['content-type']?.startsWith('text/html')) continue;
      const policy = headers['content-security-policy'] ?? '';
      for (const directive of ["default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"])
        expect(policy).toContain(directive);
      expect(policy.replace('img-src data:', '')).not.toMatch(/unsafe|sandbox|\*|https?:|data:|self/);
      const [, script] = /<script>([\s\S]*?)<\/script>/.exec(body) ?? [];
      if (script === undefined) expect(policy).not.toContain('script-src');
      else expect(policy).toContain(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}'`);
    }
    return `none of ${replies.length}; scripts run by the hash of what is served`;
  });

  attack('H9 a redirect that would repeat a body, or be kept', async () => {
    expect((await loginServer.start('/auth/github')).reply.status).toBe(302);
    return '302';
  });

  attack('markup wherever a request can put it', async () => {
    const names = [
      'provider',
      'scope',
      'site_id',
      'code',
      'state',
      'iss',
      'error',
      'error_description',
      'refresh_token',
      'proof',
    ];
    const query = new URLSearchParams(names.map((name) => [name, markup])).toString();
    const headers = {
      referer: markup,
      origin: markup,
      cookie: markup,
      'user-agent': markup,
      'x-forwarded-host': markup,
    };
    for (const path of [
      '/auth',
      '/auth/github',
      '/auth/github/begin',
      '/auth/github/callback',
      '/auth/refresh',
      `/auth/%3Cscript%3E`,
      '/x',
    ])
      for (const method of ['GET', 'POST'])
        expect((await loginServer.ask(path, query, { method, headers })).body).not.toContain('alert(1)');
    return 'nowhere';
  });
});
