/**
 * What the contract suites ask in a runtime of its own: a handler as it is written down in a header, made here. The other
 * header takes back what it wrote into its log.
 */
import { withLimits } from '../../../lib/platforms/limits.ts';
import { makeHandler, type HandlerSpec } from '../../contract/handlers.ts';
import type { Request as Asked } from '../../contract/login.ts';
import type { Environment } from '../../../lib/config/environment.ts';
import type { Handler } from '../../../lib/http/http.ts';
import type { LogEntry } from '../../../lib/http/log.ts';

export const orderHeader = 'x-test-order';
export const logHeader = 'x-test-log';

export interface Order {
  /** Of this handler: what it remembers between two requests is its own. */
  id: number;
  spec: HandlerSpec;
  env: Environment;
  /** Milliseconds since the epoch, where the clock does not show the time. */
  now?: number | undefined;
  /** Whether the request is in the body, as JSON. */
  packed?: boolean;
}

/** A shell: what each platform of fetch handlers has, and its limits. */
type Shell = (handler: Handler) => { fetch(request: Request, ...more: never[]): Promise<Response> };
type Limits = Parameters<typeof withLimits>[0];

interface Made {
  handler: Handler;
  /** The object that the handler was given: owners change settings while it runs. */
  env: Record<string, string | undefined>;
  now: number | undefined;
  log: LogEntry[];
}

const made = new Map<number, Made>();

function find({ id, spec, env, now }: Order, limits: Limits): Made {
  let found = made.get(id);
  if (!found) {
    const fresh: Made = { handler: () => Promise.reject(new Error('It is being made.')), env: {}, now, log: [] };
    const log = (entry: LogEntry) => void fresh.log.push(entry);
    const handler = makeHandler(spec, { env: fresh.env, log, now: () => fresh.now ?? Date.now() });
    fresh.handler = spec.kind === 'login' ? handler : withLimits(limits, handler);
    made.set(id, (found = fresh));
  }
  for (const name of Object.keys(found.env)) delete found.env[name];
  Object.assign(found.env, env);
  found.now = now;
  return found;
}

function unpack({ method, path, query, headers, body = '' }: Asked): Request {
  const url = `https://auth.example.com${path}${query && `?${query}`}`;
  return new Request(url, { method, headers, ...(body !== '' && { body }) });
}

const encode = (value: unknown): string => encodeURIComponent(JSON.stringify(value));
const decode = <Value>(text: string): Value => JSON.parse(decodeURIComponent(text)) as Value;

export const serveOrders = (shell: Shell, limits: Limits) => ({
  async fetch(request: Request, ...more: never[]): Promise<Response> {
    const order = request.headers.get(orderHeader);
    if (order === null) return new Response('ready');
    const { packed, ...wanted } = decode<Order>(order);
    const found = find(wanted, limits);
    // As it came, with the header: a copy of a request is another thing to read from.
    const own = packed ? unpack((await request.json()) as Asked) : request;
    const reply = await shell(found.handler).fetch(own, ...more);
    const marked = new Response(reply.body, reply);
    marked.headers.set(logHeader, encode(found.log.splice(0)));
    return marked;
  },
});
