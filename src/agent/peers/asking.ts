/** Owns asking one other node for signs of life, until it is told to stop: when, at which of its places, and what is known of it since. */
import type { Clock } from '../../host/clock.ts';
import type { Knocked } from '../../host/knock.ts';
import {
  type Asked,
  afterAnswer,
  afterQuestion,
  NEVER_ASKED,
  pauseAfter,
  reachesNow,
} from '../../health/asked.ts';
import { type Address, formatAddress } from '../../model/address.ts';

/** An answer that takes longer counts as none; between distant places it takes a few hundred milliseconds. */
const TIMEOUT_MS = 1_000;
/**
 * Where a node is asked first: the discard port (RFC 863), where hardly anything listens. The answer is then a reset from its kernel: no program there is
 * disturbed, and none has to listen for this.
 */
const PORT = 9;
/** After so many questions without an answer it is also asked elsewhere. */
const ELSEWHERE_AFTER = 3;

/** What asking needs. */
export interface AskingOptions {
  /** Address of the node. */
  readonly ip: string;
  /** It answered there before, as far as is known from an agent before this one. */
  readonly hasAnswered: boolean;
  readonly clock: Clock;
  readonly knock: (place: Address, timeoutMs: number) => Promise<Knocked>;
  /** Instances on that node, which may answer where a firewall drops all else; looked up when they are needed. */
  readonly instances: () => readonly Address[];
  /** Called when `reaches` may have changed. */
  readonly onChange: () => void;
}

/** A node that is asked. */
export interface Asking {
  readonly ip: string;
  /** Whether it answers; undefined: nothing can be said. */
  readonly reaches: () => boolean | undefined;
  /** It has answered: its silence says something. */
  readonly hasAnswered: () => boolean;
  /** Asks now: something else was heard of it. */
  readonly hurry: () => void;
  readonly stop: () => void;
}

/** Begins to ask. */
export function startAsking({ ip, clock, knock, instances, onChange, ...known }: AskingOptions): Asking {
  const stopping = new AbortController();
  const usual: Address = { ip, port: PORT };
  let asked: Asked = { ...NEVER_ASKED, hasAnswered: known.hasAnswered };
  let places: readonly Address[] = [usual];
  /** Where it answered last. */
  let good = usual;
  let pause = new AbortController();

  /** An instance that answered for its node and is gone since proves nothing by its silence. */
  const lookElsewhere = (): void => {
    places = [usual, ...instances()];
    const isThere = places.some((place) => formatAddress(place) === formatAddress(good));
    if (!isThere)
      [good, asked] = [usual, { ...NEVER_ASKED, unanswered: asked.unanswered, sinceMs: asked.sinceMs }];
  };
  const nextPlace = (): Address =>
    asked.unanswered < ELSEWHERE_AFTER ? good : (places[asked.unanswered % places.length] ?? good);
  const ask = async (place: Address): Promise<void> => {
    const answer = await knock(place, TIMEOUT_MS);
    if (stopping.signal.aborted) return;
    if (answer === 'answered') good = place;
    asked = afterAnswer(asked, answer);
    onChange();
  };
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const sentMs = clock.monotonicMs();
      if (asked.unanswered % ELSEWHERE_AFTER === 0 && asked.unanswered > 0) lookElsewhere();
      const place = nextPlace();
      asked = afterQuestion(asked, sentMs);
      void ask(place);
      pause = new AbortController();
      // First as long as an answer takes that is not late; what has come by then says how long to wait in all.
      await clock.sleep(pauseAfter(asked, sentMs), pause.signal);
      onChange();
      const leftMs = sentMs + pauseAfter(asked, sentMs) - clock.monotonicMs();
      if (leftMs > 0 && !stopping.signal.aborted) await clock.sleep(leftMs, pause.signal);
    }
  };
  void run();
  return {
    ip,
    reaches: () => reachesNow(asked, clock.monotonicMs()),
    hasAnswered: () => asked.hasAnswered,
    hurry: () => pause.abort(),
    stop: () => {
      stopping.abort();
      pause.abort();
    },
  };
}
