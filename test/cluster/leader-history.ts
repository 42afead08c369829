/**
 * Owns the record of everything that was written about leading and assigning, and what must hold of it: nothing was written by one that
 * did not lead at that revision, nothing was assigned twice, and never more than wanted and one.
 */
import { decodeAssignment } from '../../src/model/records-assignment.ts';
import { decodeDecision, decodeLeader } from '../../src/model/records-leader.ts';
import { decodeService } from '../../src/model/records-service.ts';
import { assignmentOfKey, LEADER_KEY } from '../../src/store/keys.ts';
import type { KeyRange, Store, StoreEvent } from '../../src/store/store.ts';

/** From `assignment/` to the last service: everything that is looked at here. */
const RANGE: KeyRange = { start: 'assignment/', end: 'service0' };

/** What was found in a history. */
export interface Verdict {
  readonly leaders: number;
  readonly decisions: number;
  readonly placed: number;
  /** One line for everything that must not be. */
  readonly wrong: readonly string[];
}

const revisionOf = (event: StoreEvent): number =>
  event.kind === 'put' ? event.item.modRevision : event.revision;
const keyOf = (event: StoreEvent): string => (event.kind === 'put' ? event.item.key : event.key);

/** Records all events after a revision. */
export function recordHistory(store: Store, afterRevision: number) {
  const events: StoreEvent[] = [];
  const ends: string[] = [];
  const watch = store.watch(RANGE, afterRevision, {
    onReady: () => undefined,
    onEvents: (batch) => events.push(...batch),
    onEnd: ({ kind }) => ends.push(kind),
  });
  return { events, ends, close: watch.close };
}

/** Events of one revision together. */
function byRevision(events: readonly StoreEvent[]): readonly (readonly StoreEvent[])[] {
  const groups: StoreEvent[][] = [];
  for (const event of events) {
    const last = groups.at(-1);
    if (last?.[0] !== undefined && revisionOf(last[0]) === revisionOf(event)) last.push(event);
    else groups.push([event]);
  }
  return groups;
}

/** What stands while a history is gone through. */
class Replay {
  leader: string | undefined;
  leaders = 0;
  decisions = 0;
  readonly wrong: string[] = [];
  private readonly wanted = new Map<string, number>();
  /** Assigned and not told to stop, by service. */
  private readonly running = new Map<string, Set<string>>();
  private readonly ids = new Set<string>();

  get placed(): number {
    return this.ids.size;
  }

  step(events: readonly StoreEvent[]): void {
    const by = new Set(events.flatMap((event) => this.decidedBy(event)));
    for (const event of events) this.takeLeaderAndService(event);
    const assigned = events.filter((event) => keyOf(event).startsWith('assignment/'));
    for (const event of assigned) this.takeAssignment(event, by);
  }

  private takeLeaderAndService(event: StoreEvent): void {
    const key = keyOf(event);
    if (key === LEADER_KEY) {
      this.leader = event.kind === 'put' ? decodeLeader(event.item.value).value.node : undefined;
      if (event.kind === 'put') this.leaders += 1;
    }
    if (event.kind !== 'put' || !key.startsWith('service/')) return;
    const name = key.slice('service/'.length);
    this.wanted.set(name, decodeService(name, event.item.value).value.replicas ?? 0);
  }

  /** Who decided; wrong if it is not the leader of that moment. */
  private decidedBy(event: StoreEvent): readonly string[] {
    const [family, service = '', at = ''] = keyOf(event).split('/');
    if (event.kind !== 'put' || family !== 'decision' || event.item.value.includes('"aborted"')) return [];
    const { by } = decodeDecision({ service, at }, event.item.value).value;
    this.decisions += 1;
    if (by !== this.leader)
      this.wrong.push(`revision ${event.item.modRevision}: ${by} decided, ${String(this.leader)} led`);
    return [by];
  }

  private takeAssignment(event: StoreEvent, by: ReadonlySet<string>): void {
    const name = assignmentOfKey(keyOf(event));
    if (name === undefined) return;
    const { service, id } = name;
    const running = this.running.get(service) ?? new Set();
    this.running.set(service, running);
    const stays = event.kind === 'put' && decodeAssignment(name, event.item.value).value.stop === undefined;
    if (!stays) running.delete(id);
    if (event.kind !== 'put') return;
    const at = `revision ${event.item.modRevision}`;
    if (by.size === 0) this.wrong.push(`${at}: ${keyOf(event)} was written without a decision`);
    if (event.item.version > 1) return;
    if (this.ids.has(id)) this.wrong.push(`${at}: id ${id} was given twice`);
    this.ids.add(id);
    running.add(id);
    const wanted = this.wanted.get(service) ?? 0;
    if (running.size > wanted + 1)
      this.wrong.push(`${at}: ${running.size} instances of ${service} where ${wanted} are wanted`);
  }
}

/** Goes through a history. */
export function judge(events: readonly StoreEvent[]): Verdict {
  const replay = new Replay();
  for (const group of byRevision(events)) replay.step(group);
  const { leaders, decisions, placed, wrong } = replay;
  return { leaders, decisions, placed, wrong };
}
