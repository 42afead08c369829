/** Owns reading the assignments of a node. One that cannot be read orders nothing: what runs goes on as it is, and the log says why. */
import type { Log } from '../../host/log.ts';
import type { Assignment } from '../../model/assignment.ts';
import { decodeAssignment } from '../../model/records-assignment.ts';
import type { KeyValue } from '../../store/store.ts';
import { whyText } from './words.ts';

/** The assignment of `service/id`, or undefined if it cannot be read. */
export function readAssignment(
  name: string,
  item: KeyValue,
  { node, log }: { readonly node: string; readonly log: Log },
): Assignment | undefined {
  const [service = '', ...id] = name.split('/');
  try {
    return decodeAssignment({ node, service, id: id.join('/') }, item.value).value;
  } catch (error) {
    log.error('an assignment cannot be read', { name, why: whyText(error) });
    return undefined;
  }
}
