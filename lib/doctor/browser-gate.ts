import { lookup } from 'node:dns/promises';
import { createServer, request } from 'node:http';
import { connect, isIPv6, type AddressInfo, type Socket } from 'node:net';
import { reachOf } from './fetch.ts';

/** The only way to the web for the browser that the doctor starts. */
export interface Gate {
  port: number;
  /** Lets the page's requests to a host through. Browsers ask their makers by themselves; that is not let through. */
  announce(url: string): void;
  /** Hosts that could not be reached. */
  unreachable: ReadonlySet<string>;
  close(): void;
}

/**
 * A proxy that a page on the public web cannot go through to this computer or its network. Names are looked up here, and what
 * they stand for is judged, so a public name for a private address leads nowhere, either. The page's own host is let through.
 */
export async function startGate(page: URL): Promise<Gate> {
  const unreachable = new Set<string>();
  const sockets = new Set<Socket>();
  const isFree = reachOf(page) !== 'public';
  const own = hostOf(page);
  const announced = new Set([own]);
  const addressOf = async (url: URL): Promise<string | undefined> => {
    // The browser may be here before what it says about the request.
    for (let left = 10; !announced.has(hostOf(url)); left--) {
      if (left === 0) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { address } = await lookup(url.hostname.replace(/^\[|\]$/g, ''));
    const reach = reachOf(new URL(`http://${isIPv6(address) ? `[${address}]` : address}`));
    if (!isFree && reach !== 'public' && hostOf(url) !== own) throw new Error('not of the public web');
    return address;
  };
  const server = createServer((incoming, outgoing) => {
    const url = URL.canParse(incoming.url ?? '') ? new URL(incoming.url ?? '') : undefined;
    const fail = () => {
      if (url) unreachable.add(url.host);
      outgoing.destroy();
    };
    if (url?.protocol !== 'http:') return void fail();
    addressOf(url).then((address) => {
      if (address === undefined) return void outgoing.destroy();
      const { method, headers } = incoming;
      const onward = request({ host: address, port: url.port || 80, path: url.pathname + url.search, method, headers });
      onward.on('error', fail).on('response', (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.on('error', fail).pipe(outgoing);
      });
      outgoing.on('close', () => onward.destroy());
      incoming.pipe(onward);
    }, fail);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  });
  server.on('connect', (incoming, socket: Socket) => {
    const text = `https://${incoming.url}`;
    const url = URL.canParse(text) ? new URL(text) : undefined;
    const fail = () => {
      if (url) unreachable.add(url.host);
      socket.destroy();
    };
    if (!url) return fail();
    addressOf(url).then((address) => {
      if (address === undefined) return void socket.destroy();
      const onward = connect(Number(url.port || 443), address, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        onward.pipe(socket).pipe(onward);
      });
      sockets.add(onward);
      onward.on('error', fail).on('close', () => (sockets.delete(onward), socket.destroy()));
      socket.on('close', () => onward.destroy());
    }, fail);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    announce: (url) => void (URL.canParse(url) && announced.add(hostOf(new URL(url)))),
    unreachable,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

const hostOf = ({ hostname, port, protocol }: URL): string =>
  `${hostname}:${port || (protocol === 'https:' ? '443' : '80')}`;
