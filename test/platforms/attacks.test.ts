/** The attacks on a login, on Cloudflare's own runtime: what `test/attacks` plays on Node, word for word. */
import { afterAll } from 'vitest';
import { playIn } from '../attacks/login-server.ts';
import { openRuntime, workerd } from './runtimes.ts';

const { call, stop } = await openRuntime(workerd(), 'workers');
playIn(call);
afterAll(stop);

await import('../attacks/begin.test.ts');
await import('../attacks/callback.test.ts');
await import('../attacks/renewal.test.ts');
await import('../attacks/pages.test.ts');
