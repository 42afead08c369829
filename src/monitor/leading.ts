/** Owns the lead of one monitor: taking it when nobody has it, deciding while it has it, noticing that it is gone. */
import type { ScalingNow } from '../balance/scaling-history.ts';
import { SluiceError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { Decision, Leader } from '../model/decision.ts';
import { planCluster } from '../schedule/plan.ts';
import { standNodes } from '../schedule/nodes.ts';
import { NO_SCALING, scaleServices } from '../schedule/scale.ts';
import { liveNodes } from '../schedule/view.ts';
import { weighServices, type WeighedServices } from '../schedule/weigh.ts';
import type { Store } from '../store/store.ts';
import { act, type Acted } from './act.ts';
import { createDecisions } from './decisions.ts';
import { campaign, type Lead } from './election.ts';
import { protectionSteps } from './evictions.ts';
import { createOwnMetrics } from './metrics.ts';
import type { MonitorOptions } from './options.ts';
import { createSamples } from './samples.ts';
import { startScalingKeeper } from './scaling-keeper.ts';
import type { ReadAt } from './transaction.ts';
import type { Watching } from './watching.ts';

/** New instances of one look at most. */
const MOST_AT_ONCE = 100;
/** Characters of a new instance's id. */
const ID_LENGTH = 8;
/** Another reason for a protection is told at once, other numbers in it after so long. */
const SAY_MS = 5_000;

/** One monitor's lead. */
export interface Leading {
  readonly leads: () => boolean;
  /** Takes the lead if nobody has it, as far as is known. Never throws. @returns whether it leads now */
  readonly tryToLead: () => Promise<boolean>;
  /** Looks and decides, if it leads and has seen its own last write. @returns what was decided; undefined: not now */
  readonly decide: () => Promise<readonly Decision[] | undefined>;
  /** Gives the lead up, if it has it; bounded by 1 s. */
  readonly close: () => Promise<void>;
}

/** Ids for new instances: what only recommends names them the same every time, so that it does not say the same with other names. */
function* freshIds({ mode, newId }: MonitorOptions): Iterable<string> {
  for (let count = 1; count <= MOST_AT_ONCE; count += 1)
    yield mode === 'act' ? newId().slice(0, ID_LENGTH) : `new-${count}`;
}

const scalingNow = (clock: Clock): ScalingNow => ({ ms: clock.monotonicMs(), wallMs: clock.now().getTime() });

/** A monitor that does not lead yet. */
export function createLeading(options: MonitorOptions, store: Store, watching: Watching): Leading {
  const { node, host, pid, clock, log, mode, random, newId, lostAfterMs } = options;
  const samples = createSamples({ store, clock, random });
  const metrics = createOwnMetrics({ read: options.readMetric, clock, log });
  let balance: WeighedServices['states'] = new Map();
  let scaling = NO_SCALING;
  const keeper = startScalingKeeper({ store, clock, random, log });
  const decisions = createDecisions({ store, clock, mode, by: node });
  let lead: Lead | undefined;
  let mustShow: ReadAt = { assignments: 0, cluster: 0 };
  let refused = 0;
  let lastWhy = '';
  let saidProtection: string | undefined;
  let saidAtMs = -Infinity;

  const stepDown = async (why: string): Promise<void> => {
    const was = lead;
    lead = undefined;
    if (was === undefined) return;
    log.warn('leads no longer', { node, why, refusedWrites: refused });
    balance = new Map();
    scaling = NO_SCALING;
    metrics.forget();
    keeper.leave();
    await Promise.all([was.giveUp(), samples.leave()]);
  };
  /** At once, whatever it does just now: nothing it writes counts any more. */
  const leaseLost = (): void => void stepDown('its lease was not renewed in time');
  /** True if the copy shows this lead; steps down if it shows that another has it. */
  const isConfirmed = async ({ revision, lost }: Lead): Promise<boolean> => {
    if (lost.aborted || watching.revision() < revision) return false;
    if (watching.leaderKey()?.createRevision === revision) return true;
    await stepDown('another has the lead, or the key was deleted');
    return false;
  };
  /** Says in the leader's key why nothing follows from silence, when that is another reason than before. */
  const sayProtection = async (mine: Lead, protection: Leader['protection']): Promise<void> => {
    const text = JSON.stringify(protection);
    // Agents hear of each word: numbers that move (many fall silent one after the other) are told now and then.
    const isOften = protection !== undefined && clock.monotonicMs() - saidAtMs < SAY_MS;
    if (text === saidProtection || (isOften && saidProtection !== undefined)) return;
    try {
      await mine.say(protection);
      [saidProtection, saidAtMs] = [text, clock.monotonicMs()];
      if (protection !== undefined) log.warn('nothing follows from silence', { ...protection });
    } catch (error) {
      // Only told to people, and tried again at the next look.
      if (!(error instanceof SluiceError)) throw error;
    }
  };
  const takeEnd = async (acted: Acted): Promise<void> => {
    const { end } = acted;
    mustShow = acted.mustShow;
    if (end !== 'deposed') return;
    refused += 1;
    await stepDown('a write was refused: another leads');
  };
  return {
    leads: () => lead !== undefined,
    tryToLead: async () => {
      if (lead !== undefined || !watching.connected() || watching.leaderKey() !== undefined)
        return lead !== undefined;
      try {
        const said = mode === 'recommend' ? { mode } : {};
        lead = await campaign(store, { node, host, pid, since: clock.now().toISOString(), ...said });
        lastWhy = '';
        saidProtection = undefined;
        lead?.lost.addEventListener('abort', leaseLost, { once: true });
        if (lead !== undefined) {
          log.info('leads', { node, revision: lead.revision, mode });
          samples.follow();
          scaling = { ...NO_SCALING, states: keeper.resume(scalingNow(clock)) };
        }
      } catch (error) {
        if (!(error instanceof SluiceError)) throw error;
        if (error.message !== lastWhy)
          log.warn('cannot take the lead, trying on', { why: error.why ?? error.message });
        lastWhy = error.message;
      }
      return lead !== undefined;
    },
    decide: async () => {
      const mine = lead;
      if (mine === undefined || !watching.connected() || !(await isConfirmed(mine))) return undefined;
      const { view, readAt } = watching.look();
      if (readAt.assignments < mustShow.assignments || readAt.cluster < mustShow.cluster) return undefined;
      const now = { ms: clock.monotonicMs(), at: clock.now().toISOString() };
      const { evictions } = watching;
      const silence = { services: view.services, storeBackMs: view.memory.storeBackMs };
      const verdict = evictions.judge(silence);
      if (mode === 'act')
        await sayProtection(mine, standNodes(view, now.ms, lostAfterMs).protection ?? verdict.protection);
      const signals = samples.signals(liveNodes(view));
      const weighed = weighServices(view, { signals, now, states: balance });
      balance = weighed.states;
      const steps = [
        ...planCluster(view, now, { ids: freshIds(options), load: samples.useOfNodes(), lostAfterMs }),
        ...protectionSteps(verdict, silence),
      ];
      const recommend = mode === 'recommend';
      const input = {
        loads: samples.heard(),
        values: metrics.look(view.services),
        now,
        recommend,
        memory: scaling,
      };
      // The first samples of a listing are of an unknown age: nothing is known of load until the next ones come.
      const scaled = samples.settled() ? scaleServices(view, input) : { steps: [], memory: scaling };
      scaling = scaled.memory;
      // Before anything is done, so that a next leader knows of it.
      await keeper.keep(scaling.states, mine);
      const acted = await act(
        { store, log, lead: mine, decisions, recommend, writer: { node, host, newId } },
        // The number last: it changes the record that the other steps stand on.
        [...steps, ...weighed.steps, ...scaled.steps],
        readAt,
      );
      await takeEnd(acted);
      if (mode === 'act' && acted.end === 'all')
        await evictions.evict(verdict, mine, { ...silence, writer: { node, host, newId } });
      return acted.decisions;
    },
    close: async () => {
      decisions.close();
      metrics.forget();
      const was = lead;
      lead = undefined;
      await keeper.close();
      if (was === undefined) return;
      await Promise.all([was.giveUp(), samples.leave()]);
      log.info('lead given up', { node });
    },
  };
}
