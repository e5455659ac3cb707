/** What every platform has to do, written once. A platform's own file only says how to call its adapter. */
import { describe } from 'vitest';
import { beginning } from './login/begin.ts';
import { besides } from './login/beside.ts';
import { ending } from './login/finish.ts';
import { everyHost } from './login/hosts.ts';
import { proceeding } from './login/proceed.ts';
import { wholeLogin } from './login/whole.ts';
import { cookiesOfTheirOwn, createWorld, type Cookies } from './login/world.ts';
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

export interface Differences {
  /** What its logins look like in the browser's cookies. */
  cookies?: Cookies;
  /** Whether the platform knows our address by itself. */
  knowsAddress?: boolean;
}

export function describeLogin(
  name: string,
  call: Call,
  { cookies = cookiesOfTheirOwn, knowsAddress = true }: Differences = {},
): void {
  describe(`The login on ${name}`, () => {
    const world = createWorld(call, cookies, knowsAddress);
    wholeLogin(world);
    beginning(world);
    proceeding(world);
    ending(world);
    besides(world);
    everyHost(call);
  });
}
