/**
 * Owns what follows from the silence of registered instances, and when nothing may follow (self-preservation): many that fall silent together
 * are more likely the network's, the API servers' or the store's fault than theirs. What was expected is what is registered now, so whoever
 * leaves by himself is never missed, and a large scale-in neither starts a protection nor keeps one up. Pure: the memory is a value.
 */

/** A registration as the store has it. */
export interface Expected {
  /** `<app>/<id>`, as in keys. */
  readonly key: string;
  readonly durationMs: number;
  /** How often it promised to renew. */
  readonly renewMs: number;
  /** What its mark says: it renews, it is silent (whoever heard it waited as long as it promised), or nothing, as its server is gone. */
  readonly mark: 'renews' | 'silent' | 'none';
}

/** What a leader remembers of silence. Times are monotonic milliseconds. */
export interface SilenceMemory {
  /** Since when each silent one has been so, as seen by this leader. */
  readonly silentSinceMs: ReadonlyMap<string, number>;
  /** When others were evicted, the last minute's. */
  readonly evictedMs: readonly number[];
}

/** What follows now. */
export interface Verdict {
  readonly evict: readonly string[];
  readonly silent: number;
  /** Why nothing follows from the silence of some, and what ends that. */
  readonly protection: { readonly why: string; readonly ends: string } | undefined;
}

/** What a verdict depends on besides the memory. */
export interface VerdictInput {
  readonly expected: readonly Expected[];
  readonly nowMs: number;
  /** Until when the leader itself had lost the store; undefined if it never had. */
  readonly storeBackMs: number | undefined;
  /** Uniform in [0, 1): which of many go first, so that no app is wiped out before others. */
  readonly random: () => number;
}

/** Silences that begin within this time of each other are one event. */
const TOGETHER_MS = 60_000;
/** More of the registered ones than this, and at least two, are too many to believe; and as many may go in a minute (Eureka: 15 %). */
const SHARE = 0.15;
/** After it had lost the store itself, a leader believes no silence for this long. */
const DISTRUST_MS = 30_000;
const MINUTE_MS = 60_000;

/** Nothing is remembered. */
export const NO_SILENCE: SilenceMemory = { silentSinceMs: new Map(), evictedMs: [] };

/** What is remembered after a look. */
export function rememberSilence(
  before: SilenceMemory,
  expected: readonly Expected[],
  nowMs: number,
): SilenceMemory {
  const silentSinceMs = new Map<string, number>();
  for (const { key, mark } of expected) {
    if (mark !== 'renews') silentSinceMs.set(key, before.silentSinceMs.get(key) ?? nowMs);
  }
  return { silentSinceMs, evictedMs: before.evictedMs.filter((atMs) => nowMs - atMs < MINUTE_MS) };
}

/** The memory after so many were evicted. */
export const rememberEvicted = (before: SilenceMemory, count: number, nowMs: number): SilenceMemory => ({
  ...before,
  evictedMs: [...before.evictedMs, ...Array.from({ length: count }, () => nowMs)],
});

/** How many are too many. */
const tooManyOf = (registered: number): number => Math.max(2, Math.floor(SHARE * registered) + 1);

/** Those that fell silent together with too many others. */
function fellTogether(silent: ReadonlyMap<string, number>, tooMany: number): ReadonlySet<string> {
  const inOrder = [...silent].toSorted(([, a], [, b]) => a - b);
  const together = new Set<string>();
  let first = 0;
  for (const [last, [, lastMs]] of inOrder.entries()) {
    while (lastMs - (inOrder[first]?.[1] ?? lastMs) > TOGETHER_MS) first += 1;
    if (last - first + 1 < tooMany) continue;
    for (const [key] of inOrder.slice(first, last + 1)) together.add(key);
  }
  return together;
}

/** In random order (Fisher and Yates). */
function shuffled(keys: readonly string[], random: () => number): readonly string[] {
  const order = [...keys];
  for (let last = order.length - 1; last > 0; last -= 1) {
    const at = Math.floor(random() * (last + 1));
    [order[last], order[at]] = [order[at] ?? '', order[last] ?? ''];
  }
  return order;
}

/** Nobody waits longer than this for others to fall silent too. */
const SETTLE_MS = 30_000;

/**
 * True if its silence has lasted: as its server says, or, where nobody heard it, as long as it promised to renew within. Either way for one more
 * of its renewals: what silences many at once is seen within that time, since each of them would have renewed once in it.
 */
const isDue = ({ mark, durationMs, renewMs }: Expected, forMs: number): boolean =>
  forMs >= Math.min(renewMs, SETTLE_MS) && (mark === 'silent' || (mark === 'none' && forMs >= durationMs));

/** What follows from what is remembered, which must be of this look. */
export function judgeSilence(memory: SilenceMemory, input: VerdictInput): Verdict {
  const { expected, nowMs, storeBackMs, random } = input;
  const { silentSinceMs, evictedMs } = memory;
  const silent = silentSinceMs.size;
  if (silent === 0) return { evict: [], silent, protection: undefined };
  if (storeBackMs !== undefined && nowMs - storeBackMs < DISTRUST_MS) {
    const why = 'the leader itself had lost the store a moment ago';
    const ends = `${DISTRUST_MS / 1_000} s of following the store`;
    return { evict: [], silent, protection: { why, ends } };
  }
  const tooMany = tooManyOf(expected.length);
  const kept = fellTogether(silentSinceMs, tooMany);
  const due = expected
    .filter((one) => silentSinceMs.has(one.key) && !kept.has(one.key))
    .filter((one) => isDue(one, nowMs - (silentSinceMs.get(one.key) ?? nowMs)))
    .map(({ key }) => key);
  const mayGo = Math.max(1, Math.floor(SHARE * expected.length)) - evictedMs.length;
  const evict = shuffled(due, random).slice(0, Math.max(0, mayGo));
  return { evict, silent, protection: protectionOf(kept.size, expected.length, tooMany) };
}

function protectionOf(kept: number, registered: number, tooMany: number): Verdict['protection'] {
  if (kept === 0) return undefined;
  return {
    why: `${kept} of ${registered} registered instances fell silent together: ${tooMany} are too many to believe`,
    ends: `fewer than ${tooMany} of them silent: they renew again, or those that are gone for good are deleted`,
  };
}
