/**
 * Owns the ways to spread connections that Sluice is compared with. They are told the instances' speeds at the start; all but the local
 * one know every connection in the cluster at any moment, which no data plane does.
 */
import { connectionsOf, type Server } from './server.ts';
import type { Fleet, Spreader } from './world.ts';

const present = ({ servers }: Fleet): readonly Server[] => servers.filter(({ isGone }) => !isGone);

/** One of those with the least value, any of equals. */
function least({ random }: Fleet, servers: readonly Server[], value: (server: Server) => number): Server {
  const [first, ...rest] = servers;
  if (first === undefined) throw new Error('a simulation without instances');
  let [best, bestValue, equals] = [first, value(first), 1];
  for (const server of rest) {
    const own = value(server);
    if (own > bestValue + 1e-12) continue;
    equals = own < bestValue - 1e-12 ? 1 : equals + 1;
    if (equals > 1 && random() >= 1 / equals) continue;
    [best, bestValue] = [server, own];
  }
  return best;
}

/** Joins the shortest queue of all (by speed now): what is ideal. */
export const shortestQueue = (fleet: Fleet): Spreader => ({
  choose: () => least(fleet, present(fleet), (server) => (connectionsOf(server) + 1) / server.speed),
});

/** The better of two that are drawn. */
export const powerOfTwo = (fleet: Fleet): Spreader => ({
  choose: () => {
    const all = present(fleet);
    const first = Math.floor(fleet.random() * all.length);
    const second = Math.floor(fleet.random() * (all.length - 1));
    const drawn = all.filter(
      (_, index) => index === first || index === (second >= first ? second + 1 : second),
    );
    return least(fleet, drawn, (server) => (connectionsOf(server) + 1) / server.declaredSpeed);
  },
});

/** Weighted least connections by what the client's own node has open, as IPVS does it. */
export const localLeastConnections = (fleet: Fleet): Spreader => ({
  choose: (client) =>
    least(fleet, present(fleet), (server) => ((server.ofClient[client] ?? 0) + 1) / server.declaredSpeed),
});
