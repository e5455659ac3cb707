/** What every platform has to do, written once. A platform's own file only says how to call its adapter. */
import { describe } from 'vitest';
import { beginning } from './login/begin.ts';
import { besides } from './login/beside.ts';
import { ending } from './login/finish.ts';
import { everyHost } from './login/hosts.ts';
import { proceeding } from './login/proceed.ts';
import { wholeLogin } from './login/whole.ts';
import { cookiesOfTheirOwn, createWorld } from './login/world.ts';
import type { Handler } from '../../lib/http/http.ts';

export { sessionCookieOnly } from './login/world.ts';

export interface Request {
  method: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  body?: string;
}

export interface Reply {
  status: number;
  headers: Record<string, string>;
  cookies: string[];
  body: string;
}

export type Call = (handler: Handler, request: Request) => Promise<Reply>;

export function describeLogin(name: string, call: Call, look = cookiesOfTheirOwn): void {
  describe(`The login on ${name}`, () => {
    const world = createWorld(call, look);
    wholeLogin(world);
    beginning(world);
    proceeding(world);
    ending(world);
    besides(world);
    everyHost(call);
  });
}
