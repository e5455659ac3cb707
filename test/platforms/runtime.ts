import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { HttpError, listen, readBody, sendJson } from '../hosts/http.ts';

export interface Runtime {
  /** Host and port, as `AWS_LAMBDA_RUNTIME_API` wants it. */
  address: string;
  /** Gives an event to the function, and waits for what it makes of it. */
  invoke(event: unknown): Promise<unknown>;
  close(): Promise<void>;
}

interface Invocation {
  id: string;
  event: unknown;
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** Bytes of what a function answers, status and headers included. It is 6 MB and a bit. */
const largest = 6_291_556;

/**
 * The Lambda service as a function's process sees it: a server that it asks for one event after the other.
 *
 * @param timeout of an invocation, in seconds
 * @see https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
 */
export async function startRuntime(timeout: number): Promise<Runtime> {
  const queue: Invocation[] = [];
  const running = new Map<string, Invocation>();
  /** The function's request for an event, held until there is one. */
  let idle: ServerResponse | undefined;
  let broken: Error | undefined;

  function next() {
    const invocation = idle && queue.shift();
    if (!idle || !invocation) return;
    running.set(invocation.id, invocation);
    idle.writeHead(200, {
      'content-type': 'application/json',
      'lambda-runtime-aws-request-id': invocation.id,
      'lambda-runtime-deadline-ms': Date.now() + timeout * 1000,
      'lambda-runtime-invoked-function-arn': 'arn:aws:lambda:eu-central-1:123456789012:function:auth',
      'lambda-runtime-trace-id': 'Root=1-00000000-000000000000000000000000;Sampled=0',
    });
    idle.end(JSON.stringify(invocation.event));
    idle = undefined;
  }

  const server = await listen(async (request, response) => {
    const [, what = '', id = ''] =
      /^\/2018-06-01\/runtime\/(invocation\/next|init\/error|invocation\/([\w-]+)\/(?:response|error))$/.exec(
        request.url ?? '',
      ) ?? [];
    if (what === 'invocation/next') {
      idle = response;
      return next();
    }
    const bytes = await readBody(request, 4 * largest);
    if (bytes.length > largest) {
      const error = `Exceeded maximum allowed payload size (${largest} bytes).`;
      running.get(id)?.reject(new Error(error));
      running.delete(id);
      return sendJson(response, 413, { errorMessage: error, errorType: 'RequestEntityTooLarge' });
    }
    const body = bytes.toString();
    if (what === 'init/error') {
      broken = new Error(`The function does not start: ${body}`);
      for (const waiting of queue.splice(0)) waiting.reject(broken);
    } else {
      const invocation = running.get(id);
      if (!invocation) throw new HttpError(404, 'There is no such invocation.');
      running.delete(id);
      if (what.endsWith('/response')) invocation.resolve(JSON.parse(body));
      else invocation.reject(new Error(body));
    }
    response.writeHead(202).end();
  });

  return {
    address: new URL(server.url).host,
    invoke: (event) =>
      new Promise((resolve, reject) => {
        if (broken) return reject(broken);
        const id = randomUUID();
        const timer = setTimeout(() => {
          running.delete(id);
          reject(new Error(`Task timed out after ${timeout} seconds`));
        }, timeout * 1000);
        queue.push({
          id,
          event,
          resolve: (result) => resolve((clearTimeout(timer), result)),
          reject: (error) => reject((clearTimeout(timer), error)),
        });
        next();
      }),
    close: server.close,
  };
}
