/**
 * Owns the weights that the balancer computed for a service, `weights/<service>`, their stored form, and how they act inside the base
 * weights that people set. Pure.
 *
 * Each weight is kept with the base weight that it was computed from, so that a change of a base weight acts at once, in proportion, also
 * when nobody leads.
 */
import * as v from 'valibot';
import { textField, timeField, weightField } from './fields.ts';
import { isName, NAME_RULE } from './name.ts';
import { isInstanceId } from './records-service.ts';
import { reasonLine } from './records-template.ts';
import { badRecord, type Decoded, decodeRecord, encodeRecord, type Raw } from './records.ts';
import { MAX_WEIGHT } from './weight.ts';

/** A computed weight, an integer, and the base weight (1-65535) that it was computed from. */
export interface ComputedWeight {
  readonly weight: number;
  readonly base: number;
}

/** What the balancer computed for one service. */
export interface ComputedWeights {
  readonly service: string;
  /** By instance id. */
  readonly weights: ReadonlyMap<string, ComputedWeight>;
  /** One line. */
  readonly why: string;
  /** RFC 3339, UTC. */
  readonly at: string;
}

/** What of an instance its weight depends on. */
interface Weighed {
  readonly id: string;
  /** Base weight. */
  readonly weight: number;
}

const idField = v.pipe(v.string(), v.check(isInstanceId, 'must be an instance id'));
const baseField = v.pipe(weightField, v.minValue(1, 'must be a base weight above 0'));
const recordSchema = v.object({
  weights: v.record(idField, v.object({ weight: weightField, base: baseField })),
  why: textField,
  at: timeField,
});

/**
 * Reads `weights/<service>`.
 * @throws SluiceError `failed`
 */
export function decodeComputedWeights(service: string, json: string): Decoded<ComputedWeights> {
  const key = `weights/${service}`;
  if (!isName(service)) throw badRecord(key, { field: '', value: service, why: `a name is ${NAME_RULE}` });
  const { value, raw } = decodeRecord(key, json, recordSchema);
  return { value: { service, ...value, weights: new Map(Object.entries(value.weights)) }, raw };
}

/** JSON of `weights/<service>`, sorted by instance id; the service is in the key only. */
export function encodeComputedWeights({ weights, why, at }: ComputedWeights, raw?: Raw): string {
  const sorted = [...weights].toSorted(([a], [b]) => (a < b ? -1 : 1));
  return encodeRecord(recordSchema, { weights: Object.fromEntries(sorted), why: reasonLine(why), at }, raw);
}

const inRange = (weight: number): number => Math.min(MAX_WEIGHT, Math.max(1, Math.round(weight)));

/**
 * The weight that each instance has in the rules, in their order: computed ones scaled to the base weights of now. An instance that was not
 * there when they were computed gets the mean of the others per unit of base weight. A base weight of 0 stays 0.
 * @param computed undefined or empty: the base weights count alone
 */
export function effectiveWeights(
  instances: readonly Weighed[],
  computed: ComputedWeights['weights'] | undefined,
): readonly number[] {
  const known = instances.flatMap(({ id }) => computed?.get(id) ?? []);
  const mean = known.reduce((sum, { weight, base }) => sum + weight / base, 0) / known.length;
  // All at 0 can only be an error of who computed it: base weights are then the safer guess.
  if (computed === undefined || known.length === 0 || mean === 0)
    return instances.map(({ weight }) => weight);
  return instances.map(({ id, weight }) => {
    const own = computed.get(id);
    if (weight === 0 || own?.weight === 0) return 0;
    return inRange(weight * (own === undefined ? mean : own.weight / own.base));
  });
}
