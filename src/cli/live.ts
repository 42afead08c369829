/**
 * Owns showing a listing live on a terminal until a person has seen enough: read every two seconds, redrawn when the terminal changes its size. The
 * loss of the store leaves the last figures on the screen and says so.
 */
import { type ResultCode, SluiceError } from '../errors.ts';
import { type AnyListing, formatListing, type ListingOptions } from './output/listing.ts';
import { plainText } from '../model/text.ts';
import { openScreen, type Screen } from './screen.ts';
import type { Session } from './session.ts';

const INTERVAL_MS = 2_000;
const CTRL_C = '\u0003';

interface Live {
  readonly session: Session;
  readonly title: string;
  readonly options: ListingOptions;
  readonly screen: Screen;
  shown: Shown;
}

/** What is on the screen. */
interface Shown {
  readonly listing: AnyListing | undefined;
  /** Why it is not of now. */
  readonly problem: string | undefined;
}

async function draw({ session, title, options, screen, shown }: Live): Promise<void> {
  const { outPalette, deps } = session;
  const { listing, problem } = shown;
  const time = deps.clock.now().toISOString().slice(11, 19);
  const second = problem === undefined ? '' : outPalette.bad(plainText(`not of now: ${problem}`, 200));
  const table = listing === undefined ? '' : await formatListing(session, listing, options);
  const head = outPalette.strong(`${title}  ${time} UTC  q ends`);
  screen.draw([head, second, ...table.trimEnd().split('\n')]);
}

/** Reads once. @throws SluiceError what waiting does not mend */
async function next(read: () => Promise<AnyListing>, shown: Shown): Promise<Shown> {
  try {
    return { listing: await read(), problem: undefined };
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'unavailable') throw error;
    return { ...shown, problem: error.why ?? error.message };
  }
}

/** Resolves when the signal aborts. */
const ended = async (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });

/** Reads and draws until `stop` aborts. */
async function follow(live: Live, read: () => Promise<AnyListing>, stop: AbortSignal): Promise<void> {
  const { clock } = live.session.deps;
  const stopped = ended(stop);
  while (!stop.aborted) {
    const found = await Promise.race([next(read, live.shown), stopped]);
    if (found === undefined) return;
    live.shown = found;
    await draw(live);
    await clock.sleep(INTERVAL_MS, stop);
  }
}

/** How it ends when the session does. */
function endOf({ signal }: Session): ResultCode {
  const reason: unknown = signal.reason;
  if (reason instanceof SluiceError && reason.code === 'timeout') return 'ok';
  throw reason;
}

/**
 * Shows it.
 * @returns `ok` at q, and when --timeout has passed
 * @throws SluiceError `interrupted` at Ctrl-C, the reason of another signal; what reading throws but an unreachable store
 */
export async function liveListing(
  session: Session,
  read: () => Promise<AnyListing>,
  { title, ...options }: ListingOptions & { readonly title: string },
): Promise<ResultCode> {
  const quit = new AbortController();
  const stop = AbortSignal.any([quit.signal, session.signal]);
  const onKey = (key: string): void => {
    if (key === 'q') quit.abort('quit');
    // The terminal makes no signal of it any more.
    if (key === CTRL_C) quit.abort(new SluiceError('interrupted', 'stopped by Ctrl-C'));
  };
  const onResize = (): void => {
    // What cannot be drawn now is drawn at the next look, which says why.
    draw(live).catch(() => undefined);
  };
  const screen = openScreen(session.deps.io, { onKey, onResize });
  const live: Live = { session, title, options, screen, shown: { listing: undefined, problem: undefined } };
  try {
    await follow(live, read, stop);
  } finally {
    screen.close();
  }
  if (!quit.signal.aborted) return endOf(session);
  if (quit.signal.reason === 'quit') return 'ok';
  throw quit.signal.reason;
}
