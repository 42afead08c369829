/** Owns what is known about the freshness of an informer's copy. */
import type { SluiceError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';

/** How fresh the copy is. */
export interface InformerState {
  /** True while a watch is open that the server has accepted. */
  readonly connected: boolean;
  /** Since when the copy may be behind; undefined while connected. Before the first listing: since the start. */
  readonly staleSince: Date | undefined;
  /** Why it is not connected. */
  readonly why: string | undefined;
  /** Revision of the copy; 0 before the first listing. */
  readonly revision: number;
  readonly lists: number;
  readonly watches: number;
  readonly events: number;
  /** Times that the store turned out to be set back to a backup. */
  readonly setBacks: number;
  /** Why the last listing besides the first was taken. */
  readonly lastRelist: string | undefined;
}

/** Keeps the state and tells changes of connection. */
export interface StateKeeper {
  readonly get: () => InformerState;
  /** Aborted after the first listing, and when the store refuses what waiting does not mend. */
  readonly settled: AbortSignal;
  /** What the store refused, while there is no listing. */
  readonly refusal: () => SluiceError | undefined;
  readonly listed: (revision: number, setBack: boolean) => void;
  readonly listFailed: (error: SluiceError) => void;
  readonly ready: () => void;
  readonly moved: (revision: number, events: number) => void;
  readonly relist: (why: string) => void;
  readonly lost: (why: string) => void;
}

/** The state of an informer that has just been started. */
export function createInformerState(
  clock: Clock,
  onState: ((state: InformerState) => void) | undefined,
): StateKeeper {
  let state: InformerState = {
    connected: false,
    staleSince: clock.now(),
    why: 'not listed yet',
    revision: 0,
    lists: 0,
    watches: 0,
    events: 0,
    setBacks: 0,
    lastRelist: undefined,
  };
  const settled = new AbortController();
  let refusal: SluiceError | undefined;
  const set = (change: Partial<InformerState>, tell: boolean): void => {
    state = { ...state, ...change };
    if (tell) onState?.(state);
  };
  return {
    get: () => state,
    settled: settled.signal,
    refusal: () => refusal,
    listed: (revision, setBack) => {
      const setBacks = state.setBacks + (setBack ? 1 : 0);
      set({ revision, lists: state.lists + 1, setBacks }, setBack);
      settled.abort();
    },
    listFailed: (error) => {
      if (error.code !== 'permission' && error.code !== 'config') return;
      refusal = error;
      settled.abort();
    },
    ready: () => {
      set({ connected: true, staleSince: undefined, why: undefined, watches: state.watches + 1 }, true);
    },
    moved: (revision, events) => set({ revision, events: state.events + events }, false),
    relist: (why) => set({ lastRelist: why }, false),
    lost: (why) => {
      const staleSince = state.staleSince ?? clock.now();
      set({ connected: false, staleSince, why }, state.connected || state.why !== why);
    },
  };
}
