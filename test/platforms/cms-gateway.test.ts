/**
 * The gateway as it is deployed: what the platform's front end bends is seen here, an editor's list and an editor's write; the
 * finer points are in `test/contract/gateway`.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { json, secret, sessionOf, site, startHost, upstreamToken, type Host } from '../contract/gateway/world.ts';
import { gateways, startFramework } from './gateways.ts';
import type { Platform } from './suite.ts';

const platforms: typeof gateways = [['functions-framework', startFramework, 32], ...gateways];

describe.each(platforms)('The gateway on %s', { timeout: 120_000 }, (_, start, answers) => {
  let host: Host;
  let platform: Platform;

  beforeAll(async () => {
    host = await startHost();
    platform = await start({
      CMS_GATEWAY_REPO: `${host.url}/owner/name`,
      CMS_GATEWAY_PATHS: '**',
      CMS_GATEWAY_TOKEN: upstreamToken,
      CMS_GATEWAY_JWT_SECRET: secret,
      CMS_GATEWAY_EDITORS: 'zoe@example.org',
      CMS_AUTH_ORIGINS: site,
      GITHUB_URL: host.url,
    });
  });
  afterAll(async () => void (await Promise.all([platform?.stop(), host?.close()])));

  const ask = async (below: string, question: { method?: string; body?: string } = {}) =>
    fetch(`${platform.url}/git${below}`, {
      ...question,
      headers: {
        origin: site,
        authorization: `Bearer ${await sessionOf()}`,
        ...(question.body !== undefined && { 'content-type': 'application/json' }),
      },
    });

  it('lets an editor in', async () => {
    const reply = await ask('/settings');
    expect(reply.status).toBe(200);
    expect(await reply.json()).toMatchObject({ github_enabled: true, gitlab_enabled: false });
    expect(reply.headers.get('access-control-allow-origin')).toBe(site);
  });

  it('reads a list, with the slash in its path as it was sent', async () => {
    host.script = json(200, { tree: [] });
    expect((await ask('/github/git/trees/main:content%2Fposts')).status).toBe(200);
    expect(host.asked.at(-1)?.url).toContain('/repos/owner/name/git/trees/main:content%2Fposts');
    expect(host.asked.at(-1)?.headers.authorization).toContain(upstreamToken);
  });

  it('writes, a picture of 3 MB too', async () => {
    host.script = json(201, { sha: 'a'.repeat(40) });
    const body = JSON.stringify({ content: 'A'.repeat(4_000_000), encoding: 'base64' });
    expect((await ask('/github/git/blobs', { method: 'POST', body })).status).toBe(201);
    expect(host.asked.at(-1)?.body.length).toBe(body.length);
  });

  it('hands out what the platform lets out, and says in words what is too much', async () => {
    const limit = answers * 1024 * 1024;
    // In lines, as GitHub writes base64. Lambda counts what the ends of lines become on their way.
    const line = `${'A'.repeat(60)}\n`;
    const blob = (size: number) => json(200, { content: line.repeat(size / 62), encoding: 'base64' });
    const read = () => ask(`/github/git/blobs/${'a'.repeat(40)}`);
    host.script = blob(limit * 0.97);
    const whole = await read();
    expect(whole.status).toBe(200);
    expect(((await whole.json()) as { content: string }).content.length).toBeGreaterThan(limit * 0.95);
    host.script = blob(answers === 6 ? limit - 1024 : limit);
    const refused = await read();
    expect(refused.status).toBe(502);
    expect(await refused.json()).toMatchObject({
      code: 'ANSWER_TOO_LARGE',
      message: expect.stringContaining(`${answers} MB`),
    });
  });

  it('lets nobody in without a session', async () => {
    const before = host.asked.length;
    expect((await fetch(`${platform.url}/git/github/branches/main`)).status).toBe(401);
    expect(host.asked.length).toBe(before);
  });
});
