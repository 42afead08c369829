/** Owns the schema of every name in a path, every word in a query and every field of a body of the REST API. Pure. */
import * as v from 'valibot';
import { MAX_TEXT } from '../../model/fields.ts';
import { MAX_REPLICAS } from '../../model/limits.ts';
import { NAME_PATTERN, NAME_RULE } from '../../model/name.ts';
import { isPlainText } from '../../model/text.ts';

const NAME = `must be ${NAME_RULE}`;
const INSTANCE = 'must be the id of an instance: of a listed one its IP:PORT';
const REVISION = 'must be a whole number from 0';
const FLAG = 'must be true or false';
const TEXT = `must be one line of at most ${MAX_TEXT} characters`;
const REPLICAS = `must be a whole number from 0 to ${MAX_REPLICAS}`;
const STEP = `must be a whole number from -${MAX_REPLICAS} to ${MAX_REPLICAS}`;
const ONE_OF = 'must be {"replicas": N} or {"by": N}';
const DEADLINE = 'must be seconds, at most a day';
const ON_DEADLINE = 'must be reset or leave';

const name = (what: string) => v.pipe(v.string(NAME), v.regex(NAME_PATTERN, NAME), v.description(what));
const flag = (what: string) =>
  v.optional(
    v.pipe(
      v.picklist(['true', 'false'], FLAG),
      v.description(what),
      v.transform((text) => text === 'true'),
    ),
  );
const line = (what: string) =>
  v.pipe(
    v.string(TEXT),
    v.maxLength(MAX_TEXT, TEXT),
    v.description(what),
    v.check((text) => isPlainText(text), TEXT),
  );

/** Names in a path. */
export const serviceParam = name('Name of a service');
/** As `serviceParam`. */
export const nodeParam = name('Name of a node');
/** As `serviceParam`; addresses may be in any spelling. */
export const instanceParam = v.pipe(
  v.string(INSTANCE),
  v.minLength(1, INSTANCE),
  v.maxLength(128, INSTANCE),
  v.description('Id of an instance; of a listed one its IP:PORT'),
);

/** Words of the query of every read. */
export const READ_QUERY = {
  consistent: flag('Show everything that was written before, instead of what this server knows now'),
};

/** Words of the query of every change, and the flags of the commands that they stand for. */
export const CHANGE_QUERY = {
  dryRun: flag('Change nothing, answer what would change'),
  ifRevision: v.optional(
    v.pipe(
      v.string(REVISION),
      v.regex(/^(0|[1-9][0-9]{0,14})$/, REVISION),
      v.description('Change only what was last changed at or before this revision; 0: it must not exist'),
      v.transform(Number),
    ),
  ),
  reason: v.optional(line('Free text for the record of the change')),
};

/** Consent to what a change takes away. */
export const YES_QUERY = { yes: flag('Consent to a change that leaves clients without an instance') };
/** As `YES_QUERY`, of publishing. */
export const REPLACE_QUERY = { replace: flag('Consent to instances and entries that go away') };
/** As `YES_QUERY`, of deleting. */
export const DELETE_QUERY = { yes: flag('Consent to the deletion: clients of its entries are refused') };

/** Body of `scale`: one of the two. */
export const scaleBody = v.pipe(
  v.strictObject({
    replicas: v.optional(
      v.pipe(
        v.number(REPLICAS),
        v.safeInteger(REPLICAS),
        v.minValue(0, REPLICAS),
        v.maxValue(MAX_REPLICAS, REPLICAS),
        v.description('How many instances there shall be'),
      ),
    ),
    by: v.optional(
      v.pipe(
        v.number(STEP),
        v.safeInteger(STEP),
        v.minValue(-MAX_REPLICAS, STEP),
        v.maxValue(MAX_REPLICAS, STEP),
        v.description('How many more, or fewer'),
      ),
    ),
  }),
  v.check(({ replicas, by }) => (replicas === undefined) !== (by === undefined), ONE_OF),
  v.description(ONE_OF),
);

/** Body of `drain`; `{}` is an order too. */
export const drainBody = v.strictObject({
  deadlineSeconds: v.optional(
    v.pipe(
      v.number(DEADLINE),
      v.minValue(0, DEADLINE),
      v.maxValue(86_400, DEADLINE),
      v.description('How long open connections are waited for'),
    ),
  ),
  onDeadline: v.optional(
    v.pipe(
      v.picklist(['reset', 'leave'], ON_DEADLINE),
      v.description('What becomes of those that are left then'),
    ),
  ),
  force: v.optional(v.pipe(v.boolean(FLAG), v.description('At once, whether or not another is ready'))),
});
