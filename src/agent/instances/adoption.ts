/**
 * Owns finding instances again at the start of an agent: what its drivers have, matched with what was noted down. A driver that cannot be
 * listed is asked again: an instance is never taken for gone because nobody could look.
 */
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { Assignment } from '../../model/assignment.ts';
import { decodeAssignment } from '../../model/records-assignment.ts';
import { templateOf } from '../../model/template-defaults.ts';
import { templateHash } from '../../model/template-hash.ts';
import type { DriverName } from '../../model/template.ts';
import type { Driver, Observed, StartOrder } from '../../runtime/driver.ts';
import { newLife } from './life.ts';
import type { Note } from './notes.ts';
import { resume } from './phase-views.ts';
import { foundOf, timingOf, whyText } from './words.ts';
import type { IpFor, WorkerStart } from './worker.ts';

const LIST_AGAIN_MS = 1_000;

/** Everything of a driver on this node; tried until it is there and answers, or the signal aborts. */
export async function listDriver(
  driver: () => Driver | undefined,
  { clock, log, signal }: { readonly clock: Clock; readonly log: Log; readonly signal: AbortSignal },
): Promise<readonly Observed[]> {
  for (let lastWhy = ''; !signal.aborted;) {
    try {
      const listed = await driver()?.list();
      if (listed !== undefined) return listed;
    } catch (error) {
      const why = whyText(error);
      if (why !== lastWhy) log.error('instances of a driver cannot be listed, trying on', { why });
      lastWhy = why;
    }
    await clock.sleep(LIST_AGAIN_MS, signal);
  }
  return [];
}

/** The assignment that a note holds, or one that says as much as is known. */
function assignmentOf(node: string, note: Note, driver: DriverName): Assignment {
  const { service, id } = note;
  try {
    if (note.assignment !== undefined) return decodeAssignment({ node, service, id }, note.assignment).value;
  } catch {
    // Of a version that writes what this one cannot read: the store has the whole of it.
  }
  return unknownAssignment(node, note, driver);
}

/** In place of an assignment that nobody knows: enough to end an instance without loss. */
function unknownAssignment(
  node: string,
  { service, id, since }: Pick<Note, 'service' | 'id' | 'since'>,
  driver: DriverName,
): Assignment {
  const template = templateOf({ driver });
  return { node, service, id, template, templateHash: templateHash(template), weight: 0, createdAt: since };
}

/** The order of an instance that nobody noted down, as far as its driver knows it. */
function orderOf(observed: Observed, ip: string): StartOrder {
  const { service, id, port } = observed;
  const { logs } = templateOf({});
  return { id, service, port, ip, command: [], env: {}, workingDirectory: '/', user: '', limits: {}, logs };
}

/** What adoption needs to know. */
export interface AdoptionOptions {
  readonly node: string;
  readonly driver: DriverName;
  readonly notes: readonly Note[];
  readonly observed: readonly Observed[];
  readonly ipFor: IpFor;
  readonly clock: Clock;
  readonly random: () => number;
}

/** Instances of one driver as they go on: noted ones, and those that only the driver knows (without an assignment until one is seen). */
export function adopt(options: AdoptionOptions): readonly WorkerStart[] {
  const { node, driver, notes, observed, clock, random } = options;
  const at = { now: clock.monotonicMs(), random: random() };
  const seen = new Map(observed.map((one) => [`${one.service}/${one.id}`, one]));
  const noted = notes.map((note): WorkerStart => {
    const found = foundOf(seen.get(`${note.service}/${note.id}`));
    const assignment = assignmentOf(node, note, driver);
    return { ...note, assignment, life: resume(note.life, found, at) };
  });
  const known = new Set(notes.map(({ service, id }) => `${service}/${id}`));
  const since = clock.now().toISOString();
  const others = observed
    .filter(({ service, id }) => !known.has(`${service}/${id}`))
    .map((one): WorkerStart => {
      const { service, id } = one;
      const assignment = unknownAssignment(node, { service, id, since }, driver);
      const life = resume(newLife(timingOf(assignment.template)), foundOf(one), at);
      return { service, id, assignment, order: orderOf(one, options.ipFor(service)), life, since };
    });
  return [...noted, ...others];
}

/** The driver of a note: of its assignment; of one that cannot be read: nobody knows. */
const driverOfNote = (node: string, note: Note): DriverName =>
  assignmentOf(node, note, 'process').template.driver;

/** Notes by driver, of each that is expected, with or without any. */
export function notesByDriver(
  node: string,
  expected: readonly DriverName[],
  notes: readonly Note[],
): ReadonlyMap<DriverName, readonly Note[]> {
  const names = new Set([...expected, ...notes.map((note) => driverOfNote(node, note))]);
  return new Map([...names].map((name) => [name, notes.filter((note) => driverOfNote(node, note) === name)]));
}
