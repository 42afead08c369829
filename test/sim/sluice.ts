/**
 * Owns Sluice in a simulation: the product's own controller weighs by samples of the nodes, and the product's own rules choose. A sample
 * is taken every 2 s, and weights act half a second later.
 */
import { readSignals, type SeenLoad } from '../../src/balance/adaptive/signals.ts';
import type { BalanceState } from '../../src/balance/adaptive/state.ts';
import { weigh, type Weighing, type Weighting, type Weights } from '../../src/balance/weigh.ts';
import { instanceKey, type NodeLoad } from '../../src/model/load.ts';
import { createKernelChoice, type Layout } from './kernel-choice.ts';
import { connectionsOf, type Server } from './server.ts';
import { CLIENTS, type Fleet, type Spreader } from './world.ts';

/** How Sluice is set up. */
export interface SluiceSetup {
  readonly weighting: Weighting;
  readonly layout: Layout;
  /** Base weights are the declared speeds, not all alike. */
  readonly knowsSpeeds?: boolean;
  readonly everySeconds?: number;
  readonly delaySeconds?: number;
  /** Changes what a sample says before it is believed. */
  readonly distort?: (load: NodeLoad, atSeconds: number) => NodeLoad;
}

const SERVICE = 'web';
const idOf = ({ id }: Server): string => `web-${id}`;
const addressOf = ({ id }: Server): string => `10.0.1.${id + 1}:8080`;
const keyOf = (server: Server): string => instanceKey(SERVICE, idOf(server));

/** What the nodes have counted since the last sample. */
interface Meters {
  readonly busy: Map<Server, number>;
  /** New connections by client node. */
  readonly sent: readonly Map<Server, number>[];
  at: number;
}

/** The samples of all nodes: each instance on one of its own, and the client nodes. */
function sample({ servers, now }: Fleet, meters: Meters): readonly NodeLoad[] {
  const seconds = now() - meters.at;
  const at = Math.round(now() * 1_000);
  const ofInstances = servers.flatMap((server): readonly NodeLoad[] => {
    if (server.isGone) return [];
    const cpu = Math.max(0, Math.min(1, (server.busySeconds - (meters.busy.get(server) ?? 0)) / seconds));
    meters.busy.set(server, server.busySeconds);
    const own = { [keyOf(server)]: { cpu, connections: connectionsOf(server) } };
    return [{ node: `n${server.id}`, at, cores: server.cores, instances: own, newConnections: {} }];
  });
  const ofClients = meters.sent.map((sent, client): NodeLoad => {
    const counted = servers
      .filter(({ isGone }) => !isGone)
      .map((server) => [keyOf(server), (sent.get(server) ?? 0) / seconds]);
    sent.clear();
    return { node: `c${client}`, at, cores: 1, instances: {}, newConnections: Object.fromEntries(counted) };
  });
  meters.at = now();
  return [...ofInstances, ...ofClients];
}

/** Looks at the samples and weighs, as the leader does. */
function createLeader(fleet: Fleet, { weighting, knowsSpeeds = false }: SluiceSetup) {
  let state: BalanceState | undefined;
  let written: Weights | undefined;
  return (loads: readonly SeenLoad[]): Weighing => {
    const instances = fleet.servers
      .filter(({ isGone }) => !isGone)
      .map((server) => ({
        id: idOf(server),
        ip: addressOf(server).split(':')[0] ?? '',
        weight: knowsSpeeds ? Math.round(server.declaredSpeed * 10) : 1,
        healthy: true,
      }));
    const nowMs = Math.round(fleet.now() * 1_000);
    const input = {
      service: SERVICE,
      weighting,
      instances,
      signals: readSignals(loads),
      state,
      written,
      nowMs,
    };
    const weighing = weigh(input);
    state = weighing.state;
    written = weighing.weights;
    return weighing;
  };
}

/** The nodes' rules. */
function createNodes(fleet: Fleet, layout: Layout) {
  const kernels = Array.from({ length: CLIENTS }, (_, client) =>
    createKernelChoice(layout, `c${client}`, fleet.random),
  );
  const write = (weights: Weights): void => {
    const targets = fleet.servers.flatMap((server) => {
      const weight = weights.get(idOf(server)) ?? 0;
      const [ip = '', port = '0'] = addressOf(server).split(':');
      return server.isGone || weight === 0 ? [] : [{ ip, port: Number(port), weight }];
    });
    for (const kernel of kernels) kernel.write(targets);
  };
  const choose = (client: number): Server => {
    const address = kernels[client]?.choose();
    const server = fleet.servers.find((one) => addressOf(one) === address);
    if (server === undefined) throw new Error(`no instance at ${address}`);
    return server;
  };
  return { write, choose };
}

/** Sluice, spreading. */
export const sluice =
  (setup: SluiceSetup) =>
  (fleet: Fleet): Spreader => {
    const { layout, everySeconds = 2, delaySeconds = 0.5, distort = (load: NodeLoad) => load } = setup;
    const decide = createLeader(fleet, setup);
    const nodes = createNodes(fleet, layout);
    const meters: Meters = { busy: new Map(), sent: Array.from({ length: CLIENTS }, () => new Map()), at: 0 };
    let loads: readonly SeenLoad[] = [];
    let rewrites = 0;
    const look = (): void => {
      const { write, weights } = decide(loads);
      if (!write) return;
      rewrites += 1;
      fleet.later(delaySeconds, () => nodes.write(weights));
    };
    const tick = (): void => {
      loads = sample(fleet, meters).map((load) => ({ load: distort(load, fleet.now()), ageMs: 0 }));
      look();
      fleet.later(everySeconds, tick);
    };
    nodes.write(decide(loads).weights);
    fleet.later(everySeconds, tick);
    return {
      choose: (client) => {
        const server = nodes.choose(client);
        const sent = meters.sent[client];
        sent?.set(server, (sent.get(server) ?? 0) + 1);
        return server;
      },
      changed: look,
      rewrites: () => rewrites,
    };
  };
