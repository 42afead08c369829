/**
 * Owns reading the assignments of a node. One that cannot be read orders nothing: what runs goes on as it is; the log says why, and where
 * nothing runs the instance's record does.
 */
import type { Log } from '../../host/log.ts';
import type { Assignment } from '../../model/assignment.ts';
import { decodeAssignment } from '../../model/records-assignment.ts';
import type { KeyValue } from '../../store/store.ts';
import type { InstanceName, OwnWords } from './record-writer.ts';
import { whyText } from './words.ts';

/** The names in `service/id`. */
export function namesOf(name: string): InstanceName {
  const [service = '', ...id] = name.split('/');
  return { service, id: id.join('/') };
}

/** The assignment of `service/id`, or one line that says why it cannot be read. */
export function readAssignment(
  name: string,
  item: KeyValue,
  { node, log }: { readonly node: string; readonly log: Log },
): Assignment | string {
  try {
    return decodeAssignment({ node, ...namesOf(name) }, item.value).value;
  } catch (error) {
    const why = whyText(error);
    log.error('an assignment cannot be read', { name, why });
    return why;
  }
}

/** What the record of an instance says whose assignment cannot be read: failed, without a port or a template. */
export function unreadableRecord({
  service,
  id,
  node,
  ip,
  why,
  since,
}: InstanceName & Record<'node' | 'ip' | 'why' | 'since', string>): OwnWords {
  return {
    service,
    id,
    ip,
    port: 0,
    weight: 0,
    origin: 'managed',
    state: 'failed',
    node,
    stateSince: since,
    why: `its assignment cannot be read: ${why}`,
    restarts: 0,
    createdAt: since,
  };
}
