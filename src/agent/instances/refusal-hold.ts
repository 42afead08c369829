/**
 * Owns which instances of this node must not refuse connections, and when the kernel is told: those in service, and for a moment after they left it,
 * so that all nodes have rules without them. What they are is the supervisor's word; how refusals are held is the business of src/dataplane.
 */
import { SluiceError } from '../../errors.ts';
import type { Refusals } from '../../dataplane/refusals.ts';
import { createBell } from '../../host/bell.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { type Address, formatAddress } from '../../model/address.ts';
import type { Life } from './life.ts';
import { stateOf } from './phase-views.ts';
import { whyText } from './words.ts';

/** All nodes have rules without an instance within 0.1 s of its end; this is for the slowest of them. Then its clients shall know. */
export const HELD_AFTER_MS = 5_000;
/** Changes are gathered for so long: entering service need not be quick, and an end asks for no change at once. */
export const HOLD_GATHER_MS = 1_000;
/** Half of the time after which the kernel lets go of them by itself. */
export const HOLD_RENEW_MS = 60_000;

/** Addresses of instances that clients may be led to: ready ones, and those on their way out whose process is untouched. */
export function addressesInService(
  workers: Iterable<{ readonly life: Life; readonly order?: Address | undefined }>,
): readonly Address[] {
  return [...workers].flatMap(({ life, order }) => {
    const state = stateOf(life);
    return order !== undefined && (state === 'ready' || state === 'draining') ? [order] : [];
  });
}

/** Keeps the kernel's table right. */
export interface RefusalHold {
  /** These are in service now, and no others. */
  readonly inService: (addresses: readonly Address[]) => void;
  /** Lets go of all. */
  readonly close: () => Promise<void>;
}

/** What it needs. */
export interface RefusalHoldOptions {
  readonly refusals: Refusals;
  readonly clock: Clock;
  readonly log: Log;
}

/** An address, until when (monotonic ms); in service: for ever. */
interface Held {
  readonly address: Address;
  readonly untilMs: number;
}

/** Addresses in service and those that were a moment ago, by their text. */
class HeldAddresses {
  #held = new Map<string, Held>();

  inService(addresses: readonly Address[], nowMs: number): void {
    const left = [...this.#held].map(([text, held]): [string, Held] => [
      text,
      { ...held, untilMs: Math.min(held.untilMs, nowMs + HELD_AFTER_MS) },
    ]);
    const current = addresses.map(({ ip, port }): [string, Held] => [
      formatAddress({ ip, port }),
      { address: { ip, port }, untilMs: Number.POSITIVE_INFINITY },
    ]);
    this.#held = new Map([...left, ...current]);
  }

  /** What is held now; forgets what is not. */
  at(nowMs: number): readonly Held[] {
    for (const [text, { untilMs }] of this.#held) if (untilMs <= nowMs) this.#held.delete(text);
    return [...this.#held.values()];
  }
}

/** What is held as one text, to tell whether it changed. */
const textOf = (held: readonly Held[]): string =>
  held
    .map(({ address }) => formatAddress(address))
    .toSorted()
    .join(' ');

/** Starts. The kernel is told a moment after the first word of who is in service: what an earlier agent left stands until then. */
export function startRefusalHold({ refusals, clock, log }: RefusalHoldOptions): RefusalHold {
  const closing = new AbortController();
  const bell = createBell(clock);
  const addresses = new HeldAddresses();
  let isKnown = false;
  /** What the kernel was asked for last, and whether it did it; nothing is known of what an earlier agent left. */
  let asked: string | undefined;
  let failed = false;
  let askedMs = 0;
  let lastWhy = '';

  const hold = async (wanted: readonly Address[]): Promise<void> => {
    try {
      await refusals.hold(wanted);
      if (failed) log.info('refusals of instances that end are held back again');
      [failed, lastWhy] = [false, ''];
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      const why = whyText(error);
      if (why !== lastWhy)
        log.warn('refusals of instances that end are not held back; their clients see them', { why });
      [failed, lastWhy] = [true, why];
    }
  };

  /** When to tell the kernel next; undefined: nothing is to be told. */
  const dueMs = (held: readonly Held[]): number | undefined => {
    if (!isKnown) return undefined;
    if (textOf(held) !== asked) return askedMs + HOLD_GATHER_MS;
    return held.length > 0 || failed ? askedMs + HOLD_RENEW_MS : undefined;
  };

  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const nowMs = clock.monotonicMs();
      const held = addresses.at(nowMs);
      const due = dueMs(held);
      if (due !== undefined && due <= nowMs) {
        [asked, askedMs] = [textOf(held), nowMs];
        await hold(held.map(({ address }) => address));
        continue;
      }
      const nextMs = Math.min(due ?? Number.POSITIVE_INFINITY, ...held.map(({ untilMs }) => untilMs));
      await bell.wait(Math.min(Math.ceil(nextMs - nowMs), HOLD_RENEW_MS), closing.signal);
    }
  };
  const running = run();

  return {
    inService: (now) => {
      const nowMs = clock.monotonicMs();
      if (!isKnown) [isKnown, askedMs] = [true, nowMs];
      addresses.inService(now, nowMs);
      bell.ring();
    },
    close: async () => {
      closing.abort();
      await running;
      if (asked === '' && !failed) return;
      asked = '';
      await hold([]);
    },
  };
}
