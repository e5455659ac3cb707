/** When the Parameter Store is asked, by whom it is waited for and for how long: the real SDK, a store that behaves badly. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openParameterStore } from '../../lib/config/ssm.ts';
import { startParameterStore, type ParameterStoreHost } from '../hosts/parameters.ts';

const name = '/cms/github/secret';
const timeToLive = 300_000;

let host: ParameterStoreHost;
beforeEach(async () => {
  host = await startParameterStore();
  host.put(name, 'one');
  const { accessKeyId, secretAccessKey, sessionToken } = host.credentials;
  const env = {
    AWS_ENDPOINT_URL_SSM: host.url,
    AWS_REGION: host.region,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    AWS_SESSION_TOKEN: sessionToken,
    AWS_EC2_METADATA_DISABLED: 'true',
  };
  for (const [key, value] of Object.entries(env)) vi.stubEnv(key, value);
  for (const key of ['AWS_PROFILE', 'AWS_CONFIG_FILE', 'AWS_SHARED_CREDENTIALS_FILE']) vi.stubEnv(key, undefined);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.useRealTimers();
  await host.close();
});

/** What a login gets that has so many milliseconds left. */
const reader = () => {
  const store = openParameterStore();
  const read = async (time = 8_000) =>
    (await store.read([name], { timeToLive, deadline: Date.now() + time })).get(name);
  return { ...store, read };
};
const late = { code: 'PARAMETER_UNREADABLE', fill: { detail: 'AWS did not answer in time' } };

describe('Two logins that wait for one read', () => {
  it('wait as long as each has time, whichever came first', async () => {
    host.delay = 400;
    const { read } = reader();
    const hurried = read(50);
    const patient = read();
    expect(await hurried).toEqual({ value: undefined, problem: late });
    expect(await patient).toMatchObject({ value: 'one' });
    expect(await read()).toMatchObject({ value: 'one' });
    expect(host.requests).toHaveLength(1);
  });

  it('do not leave a failure behind when the first gives up', async () => {
    host.delay = 400;
    const { read } = reader();
    expect(await read(50)).toMatchObject({ problem: late });
    expect(await read()).toEqual(expect.objectContaining({ value: 'one' }));
    expect(host.requests).toHaveLength(1);
  });

  it('get the old value if the new one does not come in time', async () => {
    const { read } = reader();
    await read();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + timeToLive });
    host.ahead = 0;
    host.delay = 400;
    expect(await read(50)).toEqual({ value: 'one', problem: late });
  });
});

it('A read that an instance slept through is not waited for', async () => {
  host.fault = 'hang';
  const { read } = reader();
  expect(await read(50)).toMatchObject({ problem: late });
  await vi.waitFor(() => expect(host.requests).toHaveLength(1), 5_000);
  host.fault = undefined;
  // Timers stand still in the meantime: on waking up they may fire later than the next request comes.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 60_000 });
  expect(await read()).toMatchObject({ value: 'one' });
});

describe('A secret that the Git host refuses', () => {
  const refuse = async ({ read, invalidate }: ReturnType<typeof reader>) => {
    const parameter = await read();
    invalidate(name, parameter?.value ?? '');
    return parameter?.value;
  };

  it('is read anew at once, and then no more than every two seconds', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() });
    const store = reader();
    for (let i = 0; i < 10; i++) expect(await refuse(store)).toBe('one');
    expect(host.requests).toHaveLength(2);
    vi.setSystemTime(Date.now() + 1_999);
    host.put(name, 'two');
    expect(await refuse(store)).toBe('one');
    expect(host.requests).toHaveLength(2);
    vi.setSystemTime(Date.now() + 1);
    expect(await store.read()).toMatchObject({ value: 'two' });
    expect(host.requests).toHaveLength(3);
    vi.setSystemTime(Date.now() + timeToLive - 1);
    expect(await store.read()).toMatchObject({ value: 'two' });
    expect(host.requests).toHaveLength(3);
  });

  it('does not serve on when the store is down', async () => {
    const store = reader();
    await refuse(store);
    host.fault = 'throttle';
    expect(await store.read()).toMatchObject({ value: undefined, problem: { code: 'PARAMETER_UNREADABLE' } });
  });
});

it('An answer without an end is given up at a size, not at the deadline', async () => {
  host.fault = 'endless';
  const began = performance.now();
  const parameter = await reader().read();
  expect(parameter?.problem?.fill['detail']).toBe('AWS answered with more than it should');
  expect(performance.now() - began).toBeLessThan(3_000);
});
