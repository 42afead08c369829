/** Owns the jobs of an instance's phases, one function each: what is done, and the event that tells how it ended. */
import { SluiceError } from '../../errors.ts';
import type { Driver } from '../../runtime/driver.ts';
import type { LifeEvent } from './life.ts';
import type { Job } from './phase-views.ts';
import { exitText, whyText } from './words.ts';
import type { Worker } from './worker.ts';

const RETRY_FIRST_MS = 1_000;
const RETRY_LAST_MS = 30_000;

/** Undefined: nothing to tell at its end; what it saw meanwhile was told. */
type Run = (worker: Worker, signal: AbortSignal) => Promise<LifeEvent | undefined>;

function driverOf({ assignment, shared }: Worker): Driver {
  const { driver: name } = assignment.template;
  const driver = shared.edges.drivers.get(name);
  if (driver !== undefined) return driver;
  throw new SluiceError('config', `the driver ${name} does not work on this node`, {
    why: 'what it needs is not installed, or the policy of the node does not allow it',
    fix: 'sluice describe node shows the drivers of a node',
    details: { driver: name },
  });
}

/** Policy and port, all written down, then the driver. */
const start: Run = async (worker) => {
  const { assignment, shared, service, id } = worker;
  try {
    const driver = driverOf(worker);
    const port = worker.order?.port;
    const ip = shared.ipFor(service, worker.order?.ip);
    // Without the store what was known of the service counts.
    const entries = shared.entriesFor(service) ?? worker.order?.entries;
    worker.order = await shared.edges.prepare({ assignment, ip, port, entries });
    await shared.flushNotes();
    const observed = await driver.start(worker.order);
    const notes = observed.kind === 'running' ? observed.notes : [];
    for (const note of notes) shared.log.warn('not enforced for an instance', { service, id, note });
    if (observed.kind === 'exited') return { kind: 'exited', why: exitText(observed.exit) };
    worker.listen();
    return { kind: 'started' };
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return { kind: 'start-failed', why: whyText(error) };
  }
};

/** Tries until it is done: an instance is never left half ended. */
async function persist(worker: Worker, what: string, act: () => Promise<void>): Promise<void> {
  const { log, clock } = worker.shared;
  for (let pauseMs = RETRY_FIRST_MS; !worker.closed.aborted; pauseMs = Math.min(pauseMs * 2, RETRY_LAST_MS)) {
    try {
      await act();
      return;
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      if (error.code === 'not-found') return;
      const { service, id } = worker;
      log.error(`an instance cannot be ${what}, trying on`, { service, id, why: whyText(error) });
    }
    await clock.sleep(pauseMs, worker.closed);
  }
}

const stop: Run = async (worker) => {
  const { graceSeconds, stopSignal } = worker.assignment.template;
  let why: string | undefined;
  await persist(worker, 'stopped', async () => {
    const options = { signal: stopSignal, graceMs: graceSeconds * 1_000 };
    const exit = await driverOf(worker).stop(worker.id, options);
    const asTold = exit.code === 0 || exit.signal === stopSignal;
    why = asTold || exit.lost ? undefined : exitText(exit);
  });
  return { kind: 'stop-done', why };
};

const probe: Run = async (worker, signal) => {
  const { order, assignment, shared } = worker;
  if (order === undefined) return undefined;
  await shared.probe({
    running: { assignment, order },
    life: () => worker.life,
    onRound: ({ well, times, why }) => worker.send({ kind: 'probed', well, times, why }),
    signal,
  });
  return undefined;
};

const acknowledge: Run = async (worker, signal) => {
  const { phase } = worker.life;
  if (phase.kind !== 'acknowledging') return undefined;
  await worker.shared.acknowledgements(phase.revision, signal);
  return signal.aborted ? undefined : { kind: 'acknowledged' };
};

const hook: Run = async (worker, signal) => {
  const { order, assignment, shared, service, id } = worker;
  let why: string | undefined;
  try {
    if (order !== undefined) why = await shared.edges.runHook({ assignment, order }, signal);
  } catch (error) {
    why = whyText(error);
  }
  if (signal.aborted) return undefined;
  if (why !== undefined) shared.log.warn('the pre-stop hook failed; the stop goes on', { service, id, why });
  return { kind: 'hook-done', why };
};

const look: Run = async (worker, signal) => {
  const { order, shared } = worker;
  const onCount = (open: number): void => worker.send({ kind: 'connections', open });
  if (order === undefined) return undefined; // its deadline ends the wait
  shared.watchConnections({ address: { ip: order.ip, port: order.port }, onCount }, signal);
  return undefined;
};

const reset: Run = async (worker) => {
  const { order, shared, service, id } = worker;
  try {
    if (order !== undefined) await shared.edges.resetConnections({ ip: order.ip, port: order.port });
  } catch (error) {
    shared.log.warn('connections that were left could not be reset', { service, id, why: whyText(error) });
  }
  return { kind: 'reset' };
};

const remove: Run = async (worker) => {
  const { order, shared, id } = worker;
  // That it had ended, and how, is on disk before the driver forgets it: the next agent must not take it for lost. A disk that refuses was told
  // by whoever writes, and is no reason to keep files on it.
  await shared.flushNotes().catch(() => undefined);
  await persist(worker, 'removed', async () => await driverOf(worker).remove(id));
  if (order !== undefined) await persist(worker, 'removed', async () => await shared.edges.release(order));
  return { kind: 'removed' };
};

/** The job of each kind. `announce` is done by the writer of records: it tells when `draining` is in the store. */
export const jobs: Readonly<Record<Job, Run>> = {
  start,
  stop,
  probe,
  announce: async () => undefined,
  acknowledge,
  hook,
  look,
  reset,
  remove,
};
