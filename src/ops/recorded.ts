/** Owns writing one key together with the record of it, for what is no service. */
import { SluiceError } from '../errors.ts';
import { encodeAudit } from '../model/records-audit.ts';
import { auditKey } from '../store/keys.ts';
import type { Compare, Operation } from '../store/store.ts';
import type { WriteDeps } from './deps.ts';

/** What is written. */
export interface RecordedWrite {
  /** The key, as the record names it, and in words: `token 0f3c…`. */
  readonly subject: string;
  readonly what: string;
  /** Where to look what there is. */
  readonly command: string;
  readonly outcome: 'created' | 'updated' | 'deleted';
  readonly compare: Compare;
  readonly operation: Operation;
  readonly reason: string | undefined;
}

/** Writes it. @returns the revision @throws SluiceError `conflict`, `unavailable`, `unknown`, `permission` */
export async function writeRecorded(deps: WriteDeps, write: RecordedWrite): Promise<number> {
  const [requestId, at] = [deps.newId(), deps.clock.now().toISOString()];
  const requestKey = auditKey(at, requestId);
  const { outcome, reason, subject } = write;
  const audit = encodeAudit({ at, requestId, ...deps.origin, subject, outcome, reason });
  const result = await deps.store.transact({
    requestKey,
    compares: [write.compare],
    operations: [write.operation, { kind: 'put', key: requestKey, value: audit }],
  });
  if (result.kind === 'done') return result.revision;
  throw new SluiceError('conflict', `${write.what} was changed by somebody else`, {
    why: 'it is not as it was read',
    fix: `look at ${write.command} and try again`,
  });
}
