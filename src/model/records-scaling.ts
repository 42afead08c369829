/** Owns the stored form of decisions about the number of instances, and of what is remembered between them. Pure. */
import * as v from 'valibot';
import { countField, flagField, nameField, textField, timeField } from './fields.ts';
import { isName, NAME_RULE } from './name.ts';
import { SCALING_MODES } from './policy-scaling.ts';
import { badRecord, type Decoded, decodeRecord, encodeRecord, type Raw } from './records.ts';
import { whatWords, whyWords } from './scaling-words.ts';
import type { ScalingLimiter, ScalingOutcome, ScalingRecord, ScalingState } from './scaling.ts';
import { plainText } from './text.ts';

const MAP = 'must be an object';
const DIRECTION = 'must be up or down';

/** A number that JSON can hold. */
const numberField = v.pipe(v.number('must be a number'), v.finite('must be a number'));
const amountField = v.pipe(numberField, v.minValue(0, 'must be a number from 0'));
const directionField = v.picklist(['up', 'down'], DIRECTION);
const list = <S extends v.GenericSchema>(item: S): v.ArraySchema<S, string> =>
  v.array(item, 'must be a list');

const proposalField = v.object(
  {
    metric: nameField,
    target: amountField,
    isStale: flagField,
    value: amountField,
    needFast: amountField,
    needSlow: amountField,
    want: countField,
  },
  MAP,
);

const limiterField: v.GenericSchema<ScalingLimiter> = v.variant(
  'kind',
  [
    v.object({ kind: v.picklist(['none', 'tolerance', 'warming']) }, MAP),
    v.object({ kind: v.literal('pin'), until: timeField }, MAP),
    v.object({ kind: v.literal('min'), min: countField }, MAP),
    v.object({ kind: v.literal('max'), max: countField }, MAP),
    v.object({ kind: v.literal('stale'), metrics: list(nameField) }, MAP),
    v.object({ kind: v.literal('stabilised'), count: countField, agoSeconds: amountField }, MAP),
    v.object({ kind: v.literal('rate'), direction: directionField, periodSeconds: amountField }, MAP),
    v.object({ kind: v.literal('cooldown'), direction: directionField, seconds: amountField }, MAP),
    v.object({ kind: v.literal('flapping'), reversals: countField }, MAP),
  ],
  'must be what limited the decision',
);

const outcomeField: v.GenericSchema<ScalingOutcome> = v.object(
  {
    from: countField,
    want: countField,
    final: countField,
    mode: v.picklist(SCALING_MODES, `must be one of ${SCALING_MODES.join(', ')}`),
    ready: countField,
    coming: countField,
    proposals: list(proposalField),
    limiter: limiterField,
    metric: v.optional(nameField),
    nextSeconds: v.optional(amountField),
  },
  MAP,
);

/** The fields of every decision, as other readers of `decision/` know them, and `scaling`. */
const decisionSchema = v.object({
  what: textField,
  why: textField,
  done: flagField,
  by: nameField,
  scaling: outcomeField,
});

const stateSchema = v.object({
  ms: numberField,
  wallMs: numberField,
  replicas: countField,
  final: countField,
  points: list(
    v.object(
      {
        ms: numberField,
        ready: countField,
        isSaturated: flagField,
        backlog: amountField,
        readings: list(
          v.object({ metric: nameField, sum: amountField, seen: countField, missing: countField }, MAP),
        ),
      },
      MAP,
    ),
  ),
  peaks: list(v.object({ ms: numberField, count: countField }, MAP)),
  changes: list(v.object({ ms: numberField, from: countField, to: countField }, MAP)),
  reversals: list(numberField),
  direction: v.optional(directionField),
  capacity: v.optional(amountField),
  normalConnections: v.optional(amountField),
});

/** The fields of an outcome, without what more there is in a decision. */
function scalingOutcome(outcome: ScalingOutcome): ScalingOutcome {
  const { from, want, final, mode, ready, coming, proposals, limiter, metric, nextSeconds } = outcome;
  return {
    from,
    want,
    final,
    mode,
    ready,
    coming,
    proposals,
    limiter,
    ...(metric === undefined ? {} : { metric }),
    ...(nextSeconds === undefined ? {} : { nextSeconds }),
  };
}

/** An outcome with its words, as its record has them; only the outcome's own fields are taken. */
export function scalingWords(
  outcome: ScalingOutcome,
): Pick<ScalingRecord, 'what' | 'why' | 'done' | 'scaling'> {
  const scaling = scalingOutcome(outcome);
  const { mode, from, final } = scaling;
  return {
    what: whatWords(scaling),
    why: whyWords(scaling),
    done: mode === 'act' && from !== final,
    scaling,
  };
}

/**
 * Reads `decision/<service>/<time>` of a decision about the number of instances.
 * @returns undefined for a decision about something else
 * @throws SluiceError `failed`
 */
export function decodeScalingRecord(
  { service, at }: Pick<ScalingRecord, 'service' | 'at'>,
  json: string,
): Decoded<ScalingRecord> | undefined {
  const key = `decision/${service}/${at}`;
  if (!isName(service)) throw badRecord(key, { field: '', value: service, why: `a name is ${NAME_RULE}` });
  const time = v.safeParse(timeField, at);
  if (!time.success) throw badRecord(key, { field: '', value: at, why: time.issues[0].message });
  const about = decodeRecord(key, json, v.object({ scaling: v.optional(v.unknown()) }));
  if (about.value.scaling === undefined) return undefined;
  const { value, raw } = decodeRecord(key, json, decisionSchema);
  return { value: { service, at, ...value }, raw };
}

/** JSON of such a decision; service and time are in the key only. Its lines are made plain and cut. */
export function encodeScalingRecord(record: ScalingRecord, raw?: Raw): string {
  const { what, why, done, by, scaling } = record;
  return encodeRecord(decisionSchema, { what: plainText(what), why: plainText(why), done, by, scaling }, raw);
}

/**
 * Reads what was remembered of a service.
 * @param key where it is stored, for the error
 * @throws SluiceError `failed`
 */
export function decodeScalingState(key: string, json: string): Decoded<ScalingState> {
  return decodeRecord(key, json, stateSchema);
}

/** JSON of what is remembered of a service. */
export function encodeScalingState(state: ScalingState, raw?: Raw): string {
  const { ms, wallMs, replicas, final, direction, capacity, normalConnections } = state;
  const lists = {
    points: state.points.map((point) => ({ ...point, readings: [...point.readings] })),
    peaks: [...state.peaks],
    changes: [...state.changes],
    reversals: [...state.reversals],
  };
  const learned = { direction, capacity, normalConnections };
  return encodeRecord(stateSchema, { ms, wallMs, replicas, final, ...lists, ...learned }, raw);
}
