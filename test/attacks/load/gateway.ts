/** A gateway in a process of its own, so that it can be stopped and killed, and so that its memory is its own. */
import { handler } from '../../../functions/gateway.ts';
import { closeOnSignal, listen, node } from '../../../lib/platforms/node.ts';

const port = Number(process.env['PORT']);
closeOnSignal(await listen(node(handler, { url: `http://127.0.0.1:${port}`, print: () => {} }), { port }));
// Bytes of heap after a collection, for whoever asks.
process.on('message', () => {
  globalThis.gc?.();
  process.send?.(process.memoryUsage().heapUsed);
});
process.send?.('ready');
