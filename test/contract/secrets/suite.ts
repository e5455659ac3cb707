/** Settings in the Parameter Store on Lambda, written once for both ways to have an instance: what is asked for, how long it is kept, and what becomes of a login when that fails. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { ParameterFault } from '../../hosts/parameters.ts';
import { fromSource, type Instance, type Way } from './instances.ts';
import type { LogEntry } from '../../../lib/http/log.ts';
import type { Request } from '../login.ts';
import {
  site,
  callback,
  id,
  secret,
  literal,
  secretOnly,
  both,
  finish,
  login,
  tokenOf,
  tokenRequests,
  opener,
  about,
  action,
  teller,
  begin,
  beginElsewhere,
  expectToken,
  expectFailure,
  store,
  host,
  resource,
} from './world.ts';
import { codeOf } from '../../popup.ts';

export function describeSecrets(name: string, way: Way): void {
  describe(`Settings in the Parameter Store, on Lambda, ${name}`, () => {
    const open = opener(way);

    describe('what is asked of the store', () => {
      it('is one call for 50 cold callbacks at once, with everything that they need', async () => {
        store.put('/cms/origins', `${site}\n`, 'String');
        store.put('/cms/refresh', 'bitbucket', 'String');
        const attempts = await Promise.all(Array.from({ length: 50 }, beginElsewhere));
        const instance = await open({
          ...both(),
          CMS_AUTH_ORIGINS: 'ssm:/cms/origins',
          CMS_AUTH_REFRESH: 'ssm:/cms/refresh',
        });
        const replies = await Promise.all(attempts.map((attempt) => finish(instance, attempt)));
        replies.forEach(expectToken);
        expect(new Set(replies.map(tokenOf)).size).toBe(50);
        expect(replies[0]?.body).toContain(site);
        expect(store.requests.map(({ names }) => names.toSorted())).toEqual([
          ['/cms/origins', '/cms/refresh', id, secret].sort(),
        ]);
      });

      it('names a parameter once to which two settings point', async () => {
        store.put('/cms/both', 'the-client-id', 'String');
        host.app.clientSecret = 'the-client-id';
        const attempt = await beginElsewhere();
        const settings = { ...both(), GITHUB_CLIENT_ID: 'ssm:/cms/both', GITHUB_CLIENT_SECRET: 'ssm:/cms/both' };
        expectToken(await finish(await open(settings), attempt));
        expect(store.requests.map(({ names }) => names)).toEqual([['/cms/both']]);
      });

      it('is nothing to begin a login whose id is in the environment', async () => {
        const instance = await open(secretOnly());
        await begin(instance);
        expect(store.requests).toEqual([]);
        // The owner's page says whether the secret is there.
        await instance.ask({ path: '/auth' });
        expect(store.requests.map(({ names }) => names)).toEqual([[secret]]);
      });

      it('is the id alone to begin a login whose id is there', async () => {
        store.delete(secret);
        await begin(await open());
        expect(store.requests.map(({ names }) => names)).toEqual([[id]]);
      });

      it('is nothing for a callback without an attempt', async () => {
        const instance = await open(secretOnly());
        const { query, cookie } = await begin(instance);
        const strangers: Partial<Request>[] = [
          { query: 'code=x' },
          { query: 'code=x&state=x', headers: { cookie } },
          { query }, // without its cookie
          { query: query.replace(/state=[^&]{12}/, 'state=AAAAAAAAAAAA'), headers: { cookie } },
          { query: `${query}&code=x`, headers: { cookie } },
          { query: 'error=access_denied' },
          { query: query.replace('code=', 'error='), headers: { cookie } },
        ];
        for (const request of strangers)
          expect(codeOf(await instance.ask({ path: callback, ...request }))).toBeTruthy();
        await instance.ask({ path: callback, query, method: 'HEAD' });
        expect(store.requests).toEqual([]);
      });

      it('is for a callback without an attempt what it takes to see that, and no word of the rest', async () => {
        const attempt = await beginElsewhere();
        store.delete(secret);
        const settings = { ...both(), CMS_AUTH_ORIGINS: 'ssm:/cms/none', CMS_AUTH_REFRESH: 'ssm:none' };
        const instance = await open(settings);
        expectFailure(await instance.ask({ path: callback, query: 'code=x' }), 'STATE_MISSING');
        expectFailure(await finish(instance, attempt), 'PARAMETER_MISSING', /^GITHUB_CLIENT_SECRET /);
        expect(store.requests.length).toBeLessThanOrEqual(2);
      });

      describe('for a session that is renewed', () => {
        const settings = () => ({
          ...both(),
          CMS_AUTH_ORIGINS: 'ssm:/cms/origins',
          CMS_AUTH_REFRESH: 'ssm:/cms/refresh',
        });
        const renew = (instance: Instance, token: string, origin: string | null = site) =>
          instance.ask({
            method: 'POST',
            path: '/auth/github/access_token',
            headers: { ...(origin !== null && { origin }), 'content-type': 'application/json' },
            body: JSON.stringify({ grant_type: 'refresh_token', refresh_token: token }),
          });

        beforeEach(() => {
          host.expiring = true;
          store.put('/cms/origins', site, 'String');
          store.put('/cms/refresh', 'github', 'String');
        });

        it('is everything, in one call', async () => {
          const attempt = await begin(await fromSource.open(literal(), {}), '/auth/github/authorize');
          const reply = await finish(await open(settings()), attempt);
          const token = /ghr_\w+/.exec(reply.body)?.[0] ?? '';
          store.requests.length = 0;
          const renewed = await renew(await open(settings()), token);
          expect(JSON.parse(renewed.body)).toHaveProperty('access_token');
          expect(store.requests.map(({ names }) => names.toSorted())).toEqual([
            ['/cms/origins', '/cms/refresh', id, secret].sort(),
          ]);
        });

        it.each(['/cms/refresh', secret])('tells the page that %s is missing, and no other page', async (name) => {
          store.delete(name);
          const instance = await open(settings());
          const reply = await renew(instance, 'ghr_none');
          expect(JSON.parse(reply.body)).toMatchObject({ error: 'PARAMETER_MISSING' });
          expect(reply.headers['access-control-allow-origin']).toBe(site);
          const other = await renew(instance, 'ghr_none', 'https://evil.example');
          expect(JSON.parse(other.body)).toMatchObject({ error: 'ORIGIN_NOT_LISTED' });
          expect(tokenRequests()).toBe(0);
        });

        it('is nothing where no page asks', async () => {
          const reply = await renew(await open(settings()), 'ghr_none', null);
          expect(JSON.parse(reply.body)).toMatchObject({ error: 'ORIGIN_NOT_LISTED' });
          expect(store.requests).toEqual([]);
        });
      });
    });

    describe('a value', () => {
      it('may end with what copying left behind', async () => {
        store.put(id, ` ${host.app.clientId}\r\n`);
        store.put(secret, `${host.app.clientSecret}\n`);
        expectToken(await login(await open()));
      });

      it('may be one of its versions', async () => {
        store.put(secret, 'marked-secret-2');
        const settings = { ...both(), GITHUB_CLIENT_SECRET: `ssm:${secret}:1` };
        expectToken(await login(await open(settings)));
        store.delete(id);
        const missing = { ...both(), GITHUB_CLIENT_SECRET: `ssm:${secret}:3`, GITHUB_CLIENT_ID: 'the-client-id' };
        const message = expectFailure(await login(await open(missing)), 'PARAMETER_MISSING');
        expect(message).toContain(`ssm:${secret}:3`);
      });

      it('is kept for five minutes', async () => {
        const instance = await open(secretOnly());
        expectToken(await login(instance));
        instance.advance(299_999);
        expectToken(await login(instance));
        expect(store.requests).toHaveLength(1);
        instance.advance(1);
        expectToken(await login(instance));
        expect(store.requests).toHaveLength(2);
      });

      it.each([
        [' 1\n', 1000],
        ['0', 0],
      ])('is kept for %j seconds if the owner says so', async (seconds, time) => {
        const instance = await open({ ...both(), CMS_AUTH_SECRETS_TTL: seconds });
        const attempt = await beginElsewhere();
        expectToken(await finish(instance, attempt));
        if (time > 0) expectToken(await finish(instance, await beginElsewhere()));
        expect(store.requests).toHaveLength(1);
        instance.advance(time);
        expectToken(await finish(instance, await beginElsewhere()));
        expect(store.requests).toHaveLength(2);
      });
    });

    describe('a store that fails', () => {
      const failing = (entry: LogEntry | undefined) => expect(entry).toMatchObject({ code: 'PARAMETER_UNREADABLE' });

      it('once does not fail the login', async () => {
        const instance = await open({ ...secretOnly(), CMS_AUTH_SECRETS_TTL: '0' });
        for (const fault of ['throttle', 'error', 'html503', 'reset'] as const) {
          store.requests.length = 0;
          store.upcoming.push(fault);
          expectToken(await login(instance));
          expect(store.requests, fault).toHaveLength(2);
          expect(instance.log.at(-1)).not.toHaveProperty('warning');
        }
      });

      it('is asked again after two seconds, and not before', async () => {
        store.fault = 'throttle';
        const instance = await open(secretOnly());
        expectFailure(await login(instance), 'PARAMETER_UNREADABLE');
        expect(store.requests).toHaveLength(2); // the one, and the SDK's repetition
        store.fault = undefined;
        for (const time of [0, 1_999]) {
          instance.advance(time);
          expectFailure(await login(instance), 'PARAMETER_UNREADABLE');
          failing(instance.log.at(-1));
        }
        expect(store.requests).toHaveLength(2);
        expect(tokenRequests()).toBe(0);
        instance.advance(1);
        expectToken(await login(instance));
        expect(store.requests).toHaveLength(3);
      });

      it('is not hammered by many at once', async () => {
        store.fault = 'error';
        const instance = await open(secretOnly());
        const attempts = await Promise.all(Array.from({ length: 20 }, beginElsewhere));
        for (const reply of await Promise.all(attempts.map((attempt) => finish(instance, attempt))))
          expectFailure(reply, 'PARAMETER_UNREADABLE');
        expect(store.requests).toHaveLength(2);
      });

      it('leaves what was read before in use, and says so in the log', async () => {
        const instance = await open(secretOnly());
        expectToken(await login(instance));
        expect(instance.log.at(-1)).not.toHaveProperty('warning');
        store.fault = 'throttle';
        instance.advance(300_000);
        expectToken(await login(instance));
        expect(instance.log.at(-1)?.outcome).toBe('ok');
        expect(instance.log.at(-1)?.warning).toMatch(
          /^GITHUB_CLIENT_SECRET points to ssm:\/cms\/github\/secret, which could not be read: .+ still used\.$/,
        );
        expectToken(await login(instance));
        expect(store.requests).toHaveLength(3);
        store.fault = undefined;
        store.put(secret, (host.app.clientSecret = 'marked-secret-2'));
        instance.advance(2_000);
        expectToken(await login(instance));
        expect(instance.log.at(-1)).not.toHaveProperty('warning');
      });

      it('by being down does so likewise, and is found again', async () => {
        const instance = await open(secretOnly());
        expectToken(await login(instance));
        await store.stop();
        instance.advance(300_000);
        expectToken(await login(instance));
        expect(instance.log.at(-1)?.warning).toContain('AWS could not be reached');
        await store.start();
        instance.advance(2_000);
        expectToken(await login(instance));
        expect(instance.log.at(-1)).not.toHaveProperty('warning');
      });

      it('by a parameter that is gone stops what was read before, until it is back', async () => {
        const instance = await open(secretOnly());
        expectToken(await login(instance));
        store.delete(secret);
        instance.advance(300_000);
        expectFailure(await login(instance), 'PARAMETER_MISSING');
        store.fault = 'throttle';
        instance.advance(2_000);
        expectFailure(await login(instance), 'PARAMETER_UNREADABLE');
        store.fault = undefined;
        store.put(secret, host.app.clientSecret);
        instance.advance(2_000);
        expectToken(await login(instance));
      });

      it('by a blank parameter is asked again as soon', async () => {
        store.put(secret, ' \n');
        const instance = await open(secretOnly());
        expectFailure(await login(instance), 'PARAMETER_EMPTY');
        store.put(secret, host.app.clientSecret);
        instance.advance(2_000);
        expectToken(await login(instance));
      });
    });

    describe('a secret that was renewed', () => {
      const renew = (value = 'marked-secret-2') => {
        host.app.clientSecret = value;
        store.put(secret, value);
      };

      it('costs one login, without the code being sent twice', async () => {
        const instance = await open();
        expectToken(await login(instance));
        renew();
        const before = tokenRequests();
        expectFailure(await login(instance), 'BAD_CLIENT_CREDENTIALS');
        for (let i = 0; i < 3; i++) expectToken(await login(instance));
        expect(tokenRequests()).toBe(before + 4);
      });

      it('is not looked for because of whatever else fails, which anybody can bring about', async () => {
        const instance = await open(secretOnly());
        expectToken(await login(instance));
        const { query, cookie } = await begin(instance);
        for (const attempt of [
          { query, cookie: '' },
          { query: 'code=x&state=x', cookie },
        ]) {
          expect(codeOf(await finish(instance, attempt))).toMatch(/COOKIE_LOST|STATE_MISMATCH/);
          instance.advance(2_000);
        }
        host.fault = 'html502';
        expectFailure(await login(instance), 'HOST_FAILED');
        host.fault = undefined;
        instance.advance(2_000);
        expectToken(await login(instance));
        expect(store.requests).toHaveLength(1);
      });

      it('fails what is under way, and nothing after it', async () => {
        const instance = await open(secretOnly());
        expectToken(await login(instance));
        const attempts = await Promise.all(Array.from({ length: 10 }, () => begin(instance)));
        const late = await begin(instance);
        renew();
        host.delay = 50;
        for (const reply of await Promise.all(attempts.map((attempt) => finish(instance, attempt))))
          expectFailure(reply, 'BAD_CLIENT_CREDENTIALS');
        expectToken(await finish(instance, late));
        expect(store.requests).toHaveLength(2);
      });

      it('is found two seconds after it is in the store, too', async () => {
        const instance = await open(secretOnly());
        expectToken(await login(instance));
        host.app.clientSecret = 'marked-secret-2';
        for (let i = 0; i < 5; i++) expectFailure(await login(instance), 'BAD_CLIENT_CREDENTIALS');
        expect(store.requests).toHaveLength(2); // once anew, and then not at every login
        renew();
        instance.advance(2_000);
        expectToken(await login(instance));
      });

      it('is found for a session that is renewed, too', async () => {
        host.expiring = true;
        const instance = await open({ ...secretOnly(), CMS_AUTH_REFRESH: 'github' });
        expectToken(await login(instance));
        renew();
        const ask = () =>
          instance.ask({
            method: 'POST',
            path: '/auth/github/access_token',
            headers: { origin: site, 'content-type': 'application/json' },
            body: JSON.stringify({ refresh_token: 'ghr_none' }),
          });
        expect(JSON.parse((await ask()).body)).toMatchObject({ error: 'BAD_CLIENT_CREDENTIALS' });
        expect(JSON.parse((await ask()).body)).toMatchObject({ error: 'REFRESH_REJECTED' });
      });
    });

    describe('tells its owner', () => {
      const tell = teller(open);

      it('what does not exist, and where', async () => {
        store.delete(secret);
        expect(await tell('PARAMETER_MISSING')).toContain(`${about} does not exist in eu-central-1.`);
      });

      it('what is blank', async () => {
        store.put(secret, ' ');
        expect(await tell('PARAMETER_EMPTY')).toContain(`${about} is empty.`);
      });

      it('what cannot be read, in as many ways', async () => {
        const ways: [ParameterFault, string][] = [
          ['expired', `AWS does not accept the credentials; what is needed are some with ${action}.`],
          ['ciphertext', `the role of this function lacks kms:Decrypt on the key that encrypts ${resource}.`],
          ['keyDisabled', 'the key that encrypts it cannot be used any more.'],
          ['silent', `the role of this function lacks ${action}.`],
          ['number', `the role of this function lacks ${action}.`],
          ['throttle', 'AWS refuses more reads for the moment.'],
          ['error', 'AWS answered with an error (500).'],
          ['html', 'AWS answered with an error (200).'],
          ['html503', 'AWS answered with an error (503).'],
          ['null', 'AWS left it out of its answer.'],
          ['leftOut', 'AWS left it out of its answer.'],
          ['numbers', 'AWS left it out of its answer.'],
          ['nothings', 'AWS answered with an error (no answer).'],
          ['reset', 'AWS could not be reached.'],
        ];
        const instance = await open(secretOnly());
        for (const [fault, words] of ways) {
          store.fault = fault;
          const message = expectFailure(await login(instance), 'PARAMETER_UNREADABLE');
          expect(message, fault).toContain(`${about} could not be read: ${words}`);
          instance.advance(2_000);
        }
        store.fault = undefined;
        expectToken(await login(instance)); // whatever it was, it is over
      });

      it('that the store is down', async () => {
        await store.stop();
        const message = await tell('PARAMETER_UNREADABLE');
        expect(message).toContain(`${about} could not be read: AWS could not be reached.`);
      });

      it('which right on which parameter is lacking', async () => {
        store.denied.add(secret);
        expect(await tell('PARAMETER_UNREADABLE')).toContain(`the role of this function lacks ${action}.`);
        expect(await tell('PARAMETER_UNREADABLE', both())).toContain(`the role of this function lacks ${action}.`);
      });

      it('that the key may not be used', async () => {
        store.undecryptable.add(secret);
        expect(await tell('PARAMETER_UNREADABLE')).toContain('the role of this function lacks kms:Decrypt on the key');
      });

      it('that all is well', async () => {
        const { body } = await (await open()).ask({ path: callback });
        expect(body).toContain('GitHub: all settings are there');
        expect(store.requests).toHaveLength(1);
      });
    });
  });
}
