/** Owns what tests of the agent start from: a store and a kernel in memory, a state directory, a log that is kept. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { Edges } from '../../src/agent/instances/edges.ts';
import { followStore } from '../../src/agent/follow.ts';
import { type Kernel, startKernel } from '../../src/agent/kernel.ts';
import type { AgentMeter } from '../../src/agent/meter.ts';
import type { SavedSnapshot } from '../../src/agent/saved-snapshot.ts';
import type { AgentOptions } from '../../src/agent/options.ts';
import { type MemoryDataplane, memoryDataplane } from '../../src/dataplane/memory.ts';
import { systemClock } from '../../src/host/clock.ts';
import type { Log } from '../../src/host/log.ts';
import { waitUntil } from '../../src/host/wait.ts';
import type { NodeFacts } from '../../src/model/node.ts';
import { fakeMachine } from './instances/fake-machine.ts';
import { createMemoryStore, type MemoryStore } from '../../src/store/memory/memory.ts';

/** A log that keeps its lines as `level message {fields}`. */
export function keptLog(): Log & { readonly lines: readonly string[] } {
  const lines: string[] = [];
  const at =
    (level: string): Log['info'] =>
    (message, fields) =>
      void lines.push(`${level} ${message} ${JSON.stringify(fields ?? {})}`);
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

/** An empty directory that is gone after the test. */
export async function stateDirectory(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-agent-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** The facts of node n1. */
export const FACTS: NodeFacts = {
  name: 'n1',
  addresses: ['10.77.0.1'],
  cpus: 2,
  memoryBytes: 1_024,
  version: '1.0.0',
  kernel: '6.1',
  dataplane: 'memory',
  startedAt: '2026-01-01T00:00:00.000Z',
};

/** A running agent on a kernel in memory. */
export interface MemoryAgent {
  readonly dataplane: MemoryDataplane;
  readonly kernel: Kernel;
  readonly log: ReturnType<typeof keptLog>;
  /** Asks for a resync as SIGHUP does. */
  readonly hangUp: () => void;
  readonly stop: () => Promise<void>;
  /** Waits until the rules in the kernel hold (or lack) a text. */
  readonly rules: (holds: (rules: string) => boolean) => Promise<string>;
}

/** Where an agent runs. */
export interface AgentPlace {
  readonly stateDir: string;
  readonly store?: MemoryStore;
  readonly dataplane?: MemoryDataplane;
  /** What instances run on; default: a machine on which nothing runs. */
  readonly edges?: Edges;
  /** Whoever watches its figures. */
  readonly meter?: AgentMeter;
  /** Forward from this before the store is asked. */
  readonly saved?: SavedSnapshot | undefined;
}

/** Starts the agent's loops; the agent is stopped after the test. */
export async function startMemoryAgent(place: AgentPlace): Promise<MemoryAgent> {
  const { stateDir, store = createMemoryStore(), dataplane = memoryDataplane() } = place;
  const log = keptLog();
  const stopping = new AbortController();
  let hangUp: (() => void) | undefined;
  await dataplane.adopt();
  const kernel = startKernel({
    node: 'n1',
    stateDir,
    clock: systemClock,
    log,
    dataplane,
    localFacts: { nodeIpv4: '10.77.0.1' },
    hygiene: { startFrom: () => {}, applied: () => {} },
    meter: place.meter,
  });
  if (place.saved !== undefined) kernel.startFrom(place.saved);
  const options: AgentOptions = {
    node: 'n1',
    stateDir,
    openStore: async () => store,
    nodeIps: [],
    labels: {},
    policyFile: '/nonexistent',
    dataplane: 'auto',
    log,
    clock: systemClock,
    random: () => 0.5,
    signal: stopping.signal,
    onResync: (resync) => {
      hangUp = resync;
      return () => {};
    },
  };
  const hold = { inService: () => {}, close: async () => {} };
  const edges = place.edges ?? fakeMachine().edges();
  const running = followStore(options, { facts: FACTS, kernel, edges, hold });
  const stop = async (): Promise<void> => {
    stopping.abort();
    await running;
    await kernel.close();
  };
  onTestFinished(stop);
  return {
    dataplane,
    kernel,
    log,
    hangUp: () => hangUp?.(),
    stop,
    rules: async (holds) =>
      await waitUntil(
        async () => {
          const rules = await dataplane.dump();
          return holds(rules) ? rules : undefined;
        },
        { what: 'the rules', timeoutMs: 5_000, facts: () => log.lines.join('\n') },
      ),
  };
}
