/**
 * Owns Sluice in a simulation: the product's own controller weighs by samples of the nodes, and the product's own rules choose. A sample
 * is taken every 2 s, and weights act half a second later. Who comes and goes nodes know themselves, from the instances' own records, and
 * do not wait for weights.
 */
import { readSignals, type SeenLoad } from '../../src/balance/adaptive/signals.ts';
import type { BalanceState } from '../../src/balance/adaptive/state.ts';
import {
  type Candidate,
  weigh,
  type Weighing,
  type Weighting,
  type Weights,
} from '../../src/balance/weigh.ts';
import { type ComputedWeight, effectiveWeights } from '../../src/model/computed-weights.ts';
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

/** An instance as its record has it. */
interface Recorded extends Candidate {
  readonly port: number;
}

/** The records of all instances that are there. */
function recordsOf({ servers }: Fleet, { knowsSpeeds = false }: SluiceSetup): readonly Recorded[] {
  return servers
    .filter(({ isGone }) => !isGone)
    .map((server) => {
      const [ip = '', port = '0'] = addressOf(server).split(':');
      const weight = knowsSpeeds ? Math.round(server.declaredSpeed * 10) : 1;
      return { id: idOf(server), ip, port: Number(port), weight, healthy: true };
    });
}

/** Clients are nodes that forward. */
const FORWARDING = Array.from({ length: CLIENTS }, (_, client) => `c${client}`);

/** Looks at the samples and weighs, as the leader does. */
function createLeader(fleet: Fleet, setup: SluiceSetup) {
  const { weighting } = setup;
  let state: BalanceState | undefined;
  let written: Weights | undefined;
  return (loads: readonly SeenLoad[]): Weighing => {
    const instances = recordsOf(fleet, setup);
    const nowMs = Math.round(fleet.now() * 1_000);
    const input = {
      service: SERVICE,
      weighting,
      instances,
      signals: readSignals(loads, FORWARDING),
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
function createNodes(fleet: Fleet, setup: SluiceSetup) {
  const kernels = Array.from({ length: CLIENTS }, (_, client) =>
    createKernelChoice(setup.layout, `c${client}`, fleet.random),
  );
  let computed: ReadonlyMap<string, ComputedWeight> = new Map();
  /** Rules of what is recorded now, with the weights that came last. */
  const install = (): void => {
    const records = recordsOf(fleet, setup);
    const weights = effectiveWeights(records, computed);
    const targets = records.map(({ ip, port }, index) => ({ ip, port, weight: weights[index] ?? 0 }));
    for (const kernel of kernels) kernel.write(targets.filter(({ weight }) => weight > 0));
  };
  const take = (weights: Weights): void => {
    const bases = new Map(recordsOf(fleet, setup).map(({ id, weight }) => [id, weight]));
    computed = new Map([...weights].map(([id, weight]) => [id, { weight, base: bases.get(id) ?? 1 }]));
    install();
  };
  const choose = (client: number): Server => {
    const address = kernels[client]?.choose();
    const server = fleet.servers.find((one) => addressOf(one) === address);
    if (server === undefined || server.isGone) throw new Error(`no instance at ${address}`);
    return server;
  };
  return { install, take, choose };
}

/** Sluice, spreading. */
export const sluice =
  (setup: SluiceSetup) =>
  (fleet: Fleet): Spreader => {
    const { everySeconds = 2, delaySeconds = 0.5, distort = (load: NodeLoad) => load } = setup;
    const decide = createLeader(fleet, setup);
    const nodes = createNodes(fleet, setup);
    const meters: Meters = { busy: new Map(), sent: Array.from({ length: CLIENTS }, () => new Map()), at: 0 };
    let loads: readonly SeenLoad[] = [];
    let rewrites = 0;
    const look = (): void => {
      const { write, weights } = decide(loads);
      if (!write) return;
      rewrites += 1;
      fleet.later(delaySeconds, () => nodes.take(weights));
    };
    const tick = (): void => {
      loads = sample(fleet, meters).map((load) => ({ load: distort(load, fleet.now()), ageMs: 0 }));
      look();
      fleet.later(everySeconds, tick);
    };
    nodes.take(decide(loads).weights);
    fleet.later(everySeconds, tick);
    return {
      choose: (client) => {
        const server = nodes.choose(client);
        const sent = meters.sent[client];
        sent?.set(server, (sent.get(server) ?? 0) + 1);
        return server;
      },
      changed: () => {
        nodes.install();
        look();
      },
      rewrites: () => rewrites,
    };
  };
