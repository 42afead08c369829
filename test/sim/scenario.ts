/** Owns what a simulation is told: who calls, how much, and what happens to the instances. */
import type { Distribution } from './random.ts';
import type { ServerTraits } from './server.ts';

/** Something that happens at a time. */
export type Incident =
  | { readonly at: number; readonly kind: 'join'; readonly server: ServerTraits }
  /** Its connections end; long ones come again at once. */
  | { readonly at: number; readonly kind: 'leave'; readonly index: number }
  | { readonly at: number; readonly kind: 'speed'; readonly index: number; readonly speed: number };

/** A span of time in seconds. */
export type Span = readonly [from: number, to: number];

/** One course of events; times in seconds, work in seconds on speed 1. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly servers: readonly ServerTraits[];
  /** New connections a second at a time. */
  readonly rate: (at: number) => number;
  /** Work of a request. */
  readonly size: Distribution;
  /** Part of the connections that live on, 0 to 1; the others are one request each. */
  readonly longPart: number;
  /** Of those that live on: for how long, and the mean pause between requests. */
  readonly life?: Distribution;
  readonly pauseSeconds?: number;
  /** Long connections that are there at the start, spread by speed. */
  readonly preload?: number;
  readonly incidents?: readonly Incident[];
  readonly endsAt: number;
  /** Of requests that arrive in this span the latency counts. */
  readonly window: Span;
}
