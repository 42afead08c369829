/** Owns finding out who changed a service last, from the audit trail. */
import { AUDIT_FIELD } from '../model/audit.ts';
import { decodeAudit } from '../model/records-audit.ts';
import type { Audit } from '../model/audit.ts';
import type { Service, Stored } from '../model/service.ts';
import { AUDIT } from '../store/keys.ts';
import { whyInvalid } from '../store/snapshot.ts';
import type { CallOptions, KeyValue, Store } from '../store/store.ts';
import type { LastChange } from './views.ts';

/** How far back a deletion is looked for: the record that would name its audit record is gone with the service. */
const DELETION_WINDOW_MS = 10 * 60_000;

/** The audit record of a key, or undefined for what is none: tombstones of lost writes, records of other versions. */
function auditOf(item: KeyValue): Audit | undefined {
  try {
    return decodeAudit(item.key.slice('audit/'.length), item.value).value;
  } catch (error) {
    whyInvalid(error);
    return undefined;
  }
}

function changeOf(item: KeyValue, audit: Audit): LastChange {
  const { at, actor, host, command, reason, requestId } = audit;
  return { at, actor, host, command, reason, requestId, revision: item.modRevision };
}

/**
 * Who made the last change of an existing service. Costs one read.
 * @returns undefined if the service's record was last written without an audit record, or that is gone
 * @throws SluiceError `unavailable`, `permission`
 */
export async function lastChangeOf(
  store: Store,
  service: Stored<Service>,
  options: CallOptions = {},
): Promise<LastChange | undefined> {
  const key = service.raw[AUDIT_FIELD];
  if (typeof key !== 'string' || !key.startsWith(AUDIT.start)) return undefined;
  const { item } = await store.get(key, options);
  const audit = item === undefined ? undefined : auditOf(item);
  if (item === undefined || audit === undefined || item.modRevision !== service.modRevision) return undefined;
  return changeOf(item, audit);
}

/**
 * Who deleted a service in the last ten minutes.
 * @param now wall time
 * @throws SluiceError `unavailable`, `permission`
 */
export async function lastDeletionOf(
  store: Store,
  service: string,
  { now, ...options }: CallOptions & { readonly now: Date },
): Promise<LastChange | undefined> {
  const since = new Date(now.getTime() - DELETION_WINDOW_MS).toISOString();
  const { items } = await store.list({ start: `${AUDIT.start}${since}`, end: AUDIT.end }, options);
  return items
    .flatMap((item) => {
      const audit = auditOf(item);
      const matches = audit?.subject === `service/${service}` && audit.outcome === 'deleted';
      return audit !== undefined && matches ? [changeOf(item, audit)] : [];
    })
    .at(-1);
}

/** One line: `root@n1 changed it at revision 12, 2026-…: sluice publish web`. */
export function formatChange(change: LastChange): string {
  const reason = change.reason === undefined ? '' : ` (${change.reason})`;
  return `${change.actor}@${change.host} changed it at revision ${change.revision}, ${change.at}: ${change.command}${reason}`;
}
