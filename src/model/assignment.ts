/** Owns the words of what the leader tells a node to run. Pure data. */
import type { OnDeadline, Template } from './template.ts';

/**
 * `assignment/<node>/<service>/<id>`, written by the leader only: run this template. While the key stands the agent keeps the instance
 * running; `stop` tells it to take it away without loss; when the agent has said `stopped`, the leader deletes the key and the instance's.
 */
export interface Assignment {
  readonly node: string;
  readonly service: string;
  readonly id: string;
  /** Whole, so that an agent needs nothing else, and instances of an older revision of the service run on as they were. */
  readonly template: Template;
  /** Content hash of the template (`templateHash`): equal templates have equal ones. */
  readonly templateHash: string;
  readonly weight: number;
  /** RFC 3339. */
  readonly createdAt: string;
  readonly stop?: StopOrder | undefined;
}

/** Why and how an instance is taken away. */
export interface StopOrder {
  /** One line for people: 'scaled to 2', 'node/n3 drained by anna'. */
  readonly reason: string;
  readonly since: string;
  /** Overrides the template's. */
  readonly drainSeconds?: number | undefined;
  readonly onDeadline?: OnDeadline | undefined;
}

/** What people asked for one instance or one node: no new connections, then away. Of what Sluice started, another is ready first. */
export interface DrainOrder {
  readonly since: string;
  /** Who asked, `user@host`. */
  readonly by: string;
  readonly reason?: string | undefined;
  /** Overrides the template's. */
  readonly deadlineSeconds?: number | undefined;
  readonly onDeadline?: OnDeadline | undefined;
  /** Out of the rules at once, whether or not another is ready. */
  readonly force?: boolean | undefined;
}
