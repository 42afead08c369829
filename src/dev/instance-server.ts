/** Owns the tiny instance of `sluice dev` and of the test labs: answers its own name over HTTP, TCP and UDP, and counts connections. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type Server, type Socket } from 'node:net';

/** Where to listen, and as whom. */
export interface InstanceServerOptions {
  /** What it answers; one word. */
  readonly name: string;
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  /** How long a request `GET /` takes; default 0. */
  readonly delayMs?: number | undefined;
}

/** What it counted; GET /stats gives it as JSON. */
export interface InstanceStats {
  readonly name: string;
  /** Connections accepted so far, with that of the question. */
  readonly accepted: number;
  /** Connections open now. */
  readonly open: number;
  readonly datagrams: number;
}

/** A listening instance. */
export interface InstanceServer {
  readonly port: number;
  readonly stats: () => InstanceStats;
  /** Closes at once; open connections are reset. */
  readonly close: () => Promise<void>;
}

/**
 * Listens on TCP and UDP of one port. A request `GET /…` is answered with the name as text (with counts at /stats); any
 * other bytes come back with the name before them, so that a raw connection can be held and tried again and again.
 * @throws the error of listen, e.g. EADDRINUSE
 */
export async function runInstanceServer(options: InstanceServerOptions): Promise<InstanceServer> {
  const { name, delayMs = 0 } = options;
  const open = new Set<Socket>();
  const counts = { accepted: 0, datagrams: 0 };
  const stats = (): InstanceStats => ({ name, ...counts, open: open.size });
  const server = createServer({ noDelay: true }, (socket) => {
    counts.accepted += 1;
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => undefined); // clients reset on purpose: it saves them the port
    socket.on('data', (chunk: Buffer) => {
      answer(socket, chunk.toString('latin1'), { stats, delayMs });
    });
  });
  const port = await listen(server, options);
  const udp = await listenUdp({ ...options, port }, (socket, message, peer) => {
    counts.datagrams += 1;
    socket.send(`${name} ${message}`, peer.port, peer.address);
  });
  return {
    port,
    stats,
    close: async () => {
      udp.close();
      for (const socket of open) socket.resetAndDestroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers one chunk. Requests are smaller than a segment here, so a chunk is a request. */
function answer(
  socket: Socket,
  chunk: string,
  { stats, delayMs }: { readonly stats: () => InstanceStats; readonly delayMs: number },
): void {
  const request = /^(?:GET|HEAD) (\S+) HTTP\/1\.([01])\r\n/.exec(chunk);
  if (request === null) {
    socket.write(`${stats().name} ${chunk}`);
    return;
  }
  const counted = request[1] === '/stats';
  const body = counted ? `${JSON.stringify(stats())}\n` : `${stats().name}\n`;
  const last = request[2] === '0' || /\r\nConnection: *close\r\n/i.test(chunk);
  const type = counted ? 'application/json' : 'text/plain';
  const head = `HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n`;
  const text = `${head}${last ? 'Connection: close\r\n' : ''}\r\n${chunk.startsWith('HEAD') ? '' : body}`;
  const send = (): void => void (last ? socket.end(text) : socket.write(text));
  if (delayMs === 0 || counted) send();
  else setTimeout(send, delayMs);
}

async function listen(server: Server, { host, port }: InstanceServerOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 4096 }, resolve);
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

type OnDatagram = (
  socket: UdpSocket,
  message: string,
  peer: { readonly address: string; readonly port: number },
) => void;

async function listenUdp({ host, port }: InstanceServerOptions, onDatagram: OnDatagram): Promise<UdpSocket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (message, peer) => {
    onDatagram(socket, message.toString('latin1'), peer);
  });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject);
    socket.bind(port, host, resolve);
  });
  socket.on('error', () => undefined); // an ICMP answer to a reply; the client is gone
  return socket;
}
