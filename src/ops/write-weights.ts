/** Owns writing computed weights of a service by a person's word: in one transaction with its audit record, and only if nobody was quicker. */
import { type ComputedWeights, encodeComputedWeights } from '../model/computed-weights.ts';
import { encodeAudit } from '../model/records-audit.ts';
import type { Raw } from '../model/records.ts';
import { auditKey, serviceKey, weightsKey } from '../store/keys.ts';
import type { Operation } from '../store/store.ts';
import type { WriteDeps } from './deps.ts';

/** Weights to be written, or taken back. */
export interface WeightsWrite {
  readonly service: string;
  /** Undefined: the weights are those that people set again. */
  readonly weights: ComputedWeights | undefined;
  /** The record they replace, with fields of newer versions. */
  readonly raw: Raw;
  /** Mod revisions at which the service and its weights were read; 0: absent. */
  readonly basis: { readonly service: number; readonly weights: number };
  readonly reason: string | undefined;
}

/**
 * Writes.
 * @returns the revision; undefined: the service or its weights were changed meanwhile, and nothing was written
 * @throws SluiceError `unavailable`, `unknown`, `permission`
 */
export async function writeWeights(deps: WriteDeps, write: WeightsWrite): Promise<number | undefined> {
  const { service, weights, raw, basis, reason } = write;
  const [requestId, at] = [deps.newId(), deps.clock.now().toISOString()];
  const requestKey = auditKey(at, requestId);
  const [subject, key] = [`service/${service}`, weightsKey(service)];
  const audit = encodeAudit({ at, requestId, ...deps.origin, subject, outcome: 'updated', reason });
  const own: Operation =
    weights === undefined
      ? { kind: 'delete', key }
      : { kind: 'put', key, value: encodeComputedWeights(weights, raw) };
  const answer = await deps.store.transact({
    requestKey,
    compares: [
      { kind: 'mod-revision', key: serviceKey(service), equals: basis.service },
      { kind: 'mod-revision', key, equals: basis.weights },
    ],
    operations: [own, { kind: 'put', key: requestKey, value: audit }],
  });
  return answer.kind === 'done' ? answer.revision : undefined;
}
