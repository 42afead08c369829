/** Owns how many connections there are, of whom: an address has a share, and fewer before it says who it is. Must not know requests. */
import type { Socket } from 'node:net';
import type { HttpLimits } from './limits.ts';

/** The open connections. */
export interface Connections {
  /** Counts a new connection, or destroys it if there are too many. */
  readonly add: (socket: Socket) => void;
  /** The connection belongs to somebody who is known. */
  readonly know: (socket: Socket) => void;
  readonly count: () => number;
  /** Destroys all of them. */
  readonly destroyAll: () => void;
}

interface Share {
  all: number;
  strangers: number;
}

const addressOf = ({ remoteAddress }: Socket): string => remoteAddress ?? '';
/** TLS wraps a connection in another socket; the port is the same. */
const nameOf = (socket: Socket): string => `${addressOf(socket)} ${socket.remotePort}`;

/** None yet. */
export function createConnections(limits: HttpLimits): Connections {
  const shares = new Map<string, Share>();
  const strangers = new Set<string>();
  const sockets = new Set<Socket>();

  return {
    add: (socket) => {
      const address = addressOf(socket);
      const name = nameOf(socket);
      const share = shares.get(address) ?? { all: 0, strangers: 0 };
      if (share.all >= limits.connectionsOfAddress || share.strangers >= limits.strangersOfAddress) {
        socket.destroy();
        return;
      }
      shares.set(address, share);
      share.all += 1;
      share.strangers += 1;
      strangers.add(name);
      sockets.add(socket);
      socket.once('close', () => {
        sockets.delete(socket);
        share.all -= 1;
        if (strangers.delete(name)) share.strangers -= 1;
        if (share.all === 0 && shares.get(address) === share) shares.delete(address);
      });
    },
    know: (socket) => {
      const share = shares.get(addressOf(socket));
      if (share !== undefined && strangers.delete(nameOf(socket))) share.strangers -= 1;
    },
    count: () => sockets.size,
    destroyAll: () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}
