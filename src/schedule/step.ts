/** Owns the words of what the leader does: steps of one service each, written whole or not at all. Pure data. */
import type { Assignment } from '../model/assignment.ts';
import type { ComputedWeights } from '../model/computed-weights.ts';
import type { ScalingOutcome } from '../model/scaling.ts';
import type { Service, Stored } from '../model/service.ts';

/** One thing to do. `what` and `why` are one line each, for the record of decisions. */
export type Action =
  /** A new instance: neither its assignment nor its instance may exist. */
  | {
      readonly kind: 'place';
      readonly assignment: Assignment;
      /** The record that the template was read from, with fields of newer versions. */
      readonly raw: Stored<unknown>['raw'];
      readonly what: string;
      readonly why: string;
    }
  /** The assignment with its `stop`. */
  | {
      readonly kind: 'stop';
      readonly before: Stored<Assignment>;
      readonly assignment: Assignment;
      readonly what: string;
      readonly why: string;
    }
  /** Computed weights: to be written, or, undefined, to be deleted. Their reason stands in them: a record of each move would fill the store (`why` undefined). */
  | {
      readonly kind: 'weigh';
      readonly service: string;
      readonly weights: ComputedWeights | undefined;
      /** The record they replace, with fields of newer versions. */
      readonly raw: Stored<unknown>['raw'];
      readonly what: string;
      readonly why: string | undefined;
    }
  /** Another number of instances; starting and stopping them follows from it. */
  | {
      readonly kind: 'resize';
      readonly before: Stored<Service>;
      readonly replicas: number;
      readonly scaling: ScalingOutcome;
      readonly what: string;
      readonly why: string;
    }
  /** Both keys go. Not worth a record (`why` undefined) for what had stopped. */
  | {
      readonly kind: 'remove';
      readonly service: string;
      readonly id: string;
      readonly node: string | undefined;
      readonly what: string;
      readonly why: string | undefined;
    };

/** Something that is wanted and not done, and why. Equal ones are recorded once. */
export interface Notice {
  readonly what: string;
  readonly why: string;
  readonly instance?: string | undefined;
  readonly node?: string | undefined;
  readonly scaling?: ScalingOutcome | undefined;
}

/** What must be as it was read for a step to be written; revision 0: absent. */
export type Basis =
  | { readonly kind: 'service'; readonly service: string; readonly modRevision: number }
  | { readonly kind: 'weights'; readonly service: string; readonly modRevision: number }
  | { readonly kind: 'node'; readonly node: string; readonly modRevision: number }
  | { readonly kind: 'node-alive'; readonly node: string; readonly modRevision: number }
  | { readonly kind: 'instance'; readonly service: string; readonly id: string; readonly modRevision: number }
  | {
      readonly kind: 'assignment';
      readonly node: string;
      readonly service: string;
      readonly id: string;
      readonly modRevision: number;
    };

/**
 * Everything to do about one service now. If it starts, stops or removes instances, it also stands on all assignments and on all instances
 * of the service being as they were read.
 */
export interface Step {
  readonly service: string;
  /** What it is about: notices of one topic do not silence those of another. */
  readonly topic: 'instances' | 'weights' | 'scaling' | 'registry';
  readonly actions: readonly Action[];
  readonly notices: readonly Notice[];
  readonly basis: readonly Basis[];
}
