/** Owns what an agent tells of itself to whoever watches its figures, and those figures. Nobody may watch: then nothing is counted. */
import type { AgentStatus } from '../host/agent-status.ts';
import type { MetricSet } from '../observe/metric-set.ts';

/** One apply. */
export interface AppliedStep {
  readonly unchanged: boolean;
  /** Somebody else had changed the kernel. */
  readonly repaired: boolean;
  readonly rulesWritten: number;
  /** From the moment that the change was known to the moment that the kernel had it. */
  readonly tookSeconds: number;
}

/** Who watches. Must not throw. */
export interface AgentMeter {
  readonly applied: (step: AppliedStep) => void;
  /** An apply was refused as a whole. */
  readonly failed: () => void;
  /** The status that is kept on disk, what changed of it. */
  readonly status: (change: Partial<AgentStatus>) => void;
}

/** Seconds of an apply: from one rule to a first load of 10,000 services. */
const APPLY_BUCKETS = [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];

function stateSamples({ managed = [] }: Partial<AgentStatus>) {
  const counts = new Map<string, number>();
  for (const { state } of managed) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, value]) => ({ labels: { state }, value }));
}

/** The figures of an agent. */
export function createAgentMeter(set: MetricSet): AgentMeter {
  let now: Partial<AgentStatus> = {};
  const gauges: readonly (readonly [string, string, () => number])[] = [
    ['sluice_agent_revision', 'Store revision that the rules show', () => now.revision ?? 0],
    ['sluice_agent_store_connected', '1 while the store is followed', () => (now.connected === true ? 1 : 0)],
    ['sluice_agent_entries', 'Entries in the rules', () => now.entries ?? 0],
    ['sluice_agent_targets', 'Instances in the rules', () => now.instances ?? 0],
    ['sluice_agent_failures', 'Things that could not be applied', () => now.failures?.length ?? 0],
  ];
  for (const [name, help, read] of gauges) set.gauge({ name, help }, read);
  set.gauge(
    { name: 'sluice_agent_instances', help: 'Instances that run here, by state', labels: ['state'] },
    () => stateSamples(now),
  );
  const count = set.counter({
    name: 'sluice_agent_applies_total',
    help: 'Applies, by what they did',
    labels: ['result'],
  });
  const written = set.counter({ name: 'sluice_agent_rules_written_total', help: 'Rules sent to the kernel' });
  const took = set.histogram({
    name: 'sluice_agent_apply_seconds',
    help: 'From a change being known to the kernel having it; of applies that changed something',
    buckets: APPLY_BUCKETS,
  });
  return {
    applied: ({ unchanged, repaired, rulesWritten, tookSeconds }) => {
      count({ result: unchanged ? 'unchanged' : repaired ? 'repaired' : 'changed' });
      written({}, rulesWritten);
      if (!unchanged) took(tookSeconds);
    },
    failed: () => count({ result: 'failed' }),
    status: (change) => {
      now = { ...now, ...change };
    },
  };
}
