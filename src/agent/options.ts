/** Owns what an agent is started with. */
import type { AskedLayout } from '../dataplane/layout-choice.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../host/log.ts';
import type { Clock } from '../host/clock.ts';
import type { AgentMeter } from './meter.ts';

/** Everything the agent gets from the command line and from main. */
export interface AgentOptions {
  /** Name of this node (a name: model/name.ts). */
  readonly node: string;
  /** Directory of the agent's state, made if absent (0700). */
  readonly stateDir: string;
  /** Opens the store; called once. Must not connect before the first call. */
  readonly openStore: () => Promise<Store>;
  /** The node's own addresses towards the other nodes; found from the routing table where not given. */
  readonly nodeIps: readonly string[];
  /** Labels of this node, for the selectors of templates. */
  readonly labels: Readonly<Record<string, string>>;
  /** What the node's owner allows to be run here; without the file nothing is. */
  readonly policyFile: string;
  /** What writes the rules; chosen from what the node has with `auto`. */
  readonly dataplane: AskedLayout;
  readonly log: Log;
  /** Whoever watches the agent's figures. */
  readonly meter?: AgentMeter | undefined;
  readonly clock: Clock;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Aborted by SIGINT or SIGTERM: stop within 5 s, leave the rules as they are. */
  readonly signal: AbortSignal;
  /** Calls `resync` on SIGHUP; returns how to stop listening. */
  readonly onResync: (resync: () => void) => () => void;
}

/** What `agent --once` did. */
export interface AgentOnceReport {
  readonly node: string;
  readonly revision: number;
  readonly entries: number;
  readonly instances: number;
  readonly rulesWritten: number;
  readonly rulesHash: string;
  readonly failures: readonly string[];
}
