/** Owns what the leader says of itself and of what it decided. Pure data. */
import type { ScalingOutcome } from './scaling.ts';

/** `leader`, leased: who decides for the cluster. Its create revision fences every write of a decision. */
export interface Leader {
  /** Name of its node. */
  readonly node: string;
  readonly host: string;
  readonly pid: number;
  /** RFC 3339. */
  readonly since: string;
  /** It only says what it would do; undefined: it does it. */
  readonly mode?: 'recommend' | undefined;
  /** Self-preservation: why nothing follows from silence now, and what ends that; undefined: it may follow. */
  readonly protection?: { readonly why: string; readonly ends: string } | undefined;
}

/** `decision/<service>/<time>`, leased: something that was done for a service, or was not. */
export interface Decision {
  /** RFC 3339 UTC with milliseconds; the tail of the key. */
  readonly at: string;
  readonly service: string;
  /** One line: 'started web-7f3a on n2', 'replaces nothing'. */
  readonly what: string;
  /** One line: '2 of 3 instances', 'node/n3 silent for 61 s', '4 of 5 nodes are silent: more than 35 %'. */
  readonly why: string;
  /** False: it was decided not to do it. */
  readonly done: boolean;
  /** Which instance it is about. */
  readonly instance?: string | undefined;
  /** Which node it is about. */
  readonly node?: string | undefined;
  /** Node of the leader that decided. */
  readonly by: string;
  /** Of a decision about the number of instances: what it was made of. */
  readonly scaling?: ScalingOutcome | undefined;
}
