/** Owns the loop of a monitor: watch the cluster, lead it when nobody does, look at every change and at least every two seconds (`--interval`). */
import { VERSION } from '../version.ts';
import { createBell } from '../host/bell.ts';
import { createLeading } from './leading.ts';
import type { MonitorOptions } from './options.ts';
import { startWatching } from './watching.ts';

/** Changes within this time are looked at together. */
const BETWEEN_LOOKS_MS = 200;
const LOOK_EVERY_MS = 2_000;

/** Runs until `options.signal` aborts; the lead is given up at that moment. */
export async function monitorLoop(options: MonitorOptions): Promise<void> {
  const { clock, log, random, signal, node, mode, everyMs = LOOK_EVERY_MS } = options;
  const store = await options.openStore();
  const bell = createBell(clock);
  const watching = startWatching({ store, clock, random, log, bell });
  const leading = createLeading(options, store, watching);
  const sampling = options.sample({ store, snapshot: watching.snapshot });
  const giveUp = (): void => void leading.close();
  signal.addEventListener('abort', giveUp, { once: true });
  log.info('monitor starts', { node, version: VERSION, mode });
  try {
    while (!signal.aborted) {
      const startedMs = clock.monotonicMs();
      if (watching.revision() > 0) {
        const decisions = (await leading.tryToLead()) ? await leading.decide() : undefined;
        // Who decides has looked.
        if (decisions === undefined) watching.look();
        const seconds = (clock.monotonicMs() - startedMs) / 1_000;
        const [leads, connected] = [leading.leads(), watching.connected()];
        const seen = { leads, connected, revision: watching.revision() };
        options.meter?.looked({ ...seen, decisions: decisions ?? [], seconds });
      }
      await clock.sleep(Math.max(0, startedMs + BETWEEN_LOOKS_MS - clock.monotonicMs()), signal);
      await bell.wait(Math.max(0, startedMs + everyMs - clock.monotonicMs()), signal);
    }
  } finally {
    signal.removeEventListener('abort', giveUp);
    await Promise.all([leading.close(), sampling.close()]);
    await watching.close();
    await store.close();
    log.info('monitor stops', { node });
  }
}
