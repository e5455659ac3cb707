import { popupGreetingOf } from '../popup.ts';
import { describe, expect, it } from 'vitest';
import { startParameterStore } from '../hosts/parameters.ts';
import { domainName } from './gateway.ts';
import { startLambda } from './lambda.ts';
import { describePlatform } from './suite.ts';

describePlatform('Lambda behind an HTTP API', startLambda());
describePlatform('Lambda behind an HTTP API with a stage', startLambda({ stage: 'prod' }));
describePlatform('Lambda behind a domain that is mapped to a stage', startLambda({ stage: 'prod', mapped: true }));
describePlatform('Lambda behind a Function URL', startLambda({ routes: ['$default'] }), { owns: 'everything' });
// AWS does encode forms; nothing of ours may depend on it.
describePlatform('Lambda behind a front end that encodes no body', startLambda({ base64: 'never' }));

describePlatform('Lambda with its secrets in the Parameter Store', async (settings) => {
  const store = await startParameterStore();
  const { accessKeyId, secretAccessKey, sessionToken } = store.credentials;
  const start = startLambda(
    {},
    {},
    {
      AWS_ENDPOINT_URL_SSM: store.url,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
    },
  );
  // Where serverless.yml has the function look for those that are not in the shell.
  for (const id of ['github', 'gitlab', 'bitbucket'])
    store.put(`/cms-auth/dev/${id}`, settings[`${id.toUpperCase()}_CLIENT_SECRET`] ?? '');
  const others = Object.entries(settings).filter(([name]) => !name.endsWith('_CLIENT_SECRET'));
  const platform = await start(Object.fromEntries(others));
  return { ...platform, stop: async () => void (await Promise.all([platform.stop(), store.close()])) };
});

describe('Lambda without an address of its own to go by', () => {
  it.each([
    ['$default', ''],
    ['prod', '/prod'],
  ])("believes AWS's, with the stage %s", async (stage, path) => {
    const start = startLambda({ stage }, { CMS_AUTH_URL: '', GITHUB_CLIENT_ID: 'x' });
    const { url, stop } = await start({});
    const begun = await fetch(`${url}/auth/github`, { redirect: 'manual' }).finally(stop);
    const { next } = popupGreetingOf({ body: await begun.text() }) ?? {};
    expect(next?.split('?')[0]).toBe(`https://${domainName}${path}/auth/github/begin`);
    expect(begun.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^__Host-login-[\w-]{12}=[\w.-]+; Path=\/; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/),
    ]);
  });
});
