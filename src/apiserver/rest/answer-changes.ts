/** Owns the schemas of what a change did or would do, as answered: those of `publish -o json`, `--dry-run` and `drain`. Pure. */
import * as v from 'valibot';
import type { PlanItem } from '../../ops/change-json.ts';
import type { Share } from '../../ops/result.ts';
import {
  count,
  drainOrder,
  flag,
  fraction,
  oneOf,
  reference,
  revision,
  text,
  texts,
} from './answer-fields.ts';
import type { FieldsOf } from './answer-fields.ts';

const requestId = v.nullable(text('Names the record of the change; null: nothing was written'));

/** What became of a service. */
const serviceChange = v.object({
  reference,
  service: text('Its name'),
  outcome: oneOf(['created', 'updated', 'unchanged', 'deleted'], 'What was done'),
  revision: count(
    'Of the write; unchanged: of its last change. Nodes that have applied it forward like that',
  ),
  requestId,
  shares: v.pipe(
    v.array(
      v.object({
        id: text('Id of an instance'),
        address: text('IP:PORT'),
        weight: count('Its relative share'),
        share: fraction('Its part of the new connections'),
      } satisfies FieldsOf<Share>),
    ),
    v.description('Instances after the change, oldest first'),
  ),
  convergence: v.pipe(v.null(), v.description('Nobody waited: the answer comes after the write')),
  instances: v.pipe(v.null(), v.description('As convergence')),
});

/** What became of a node, or would. */
const nodeChange = v.object({
  reference,
  node: text('Its name'),
  outcome: oneOf(['cordoned', 'uncordoned', 'drained', 'restored', 'unchanged'], 'What was done'),
  dryRun: flag('Nothing was done'),
  revision,
  requestId,
  cordoned: flag('Nothing new is placed there'),
  drain: v.nullable(drainOrder),
});

/** An item of a ChangeList. */
export const changeItem = v.union([serviceChange, nodeChange]);

const planned = v.nullable(v.record(v.string(), v.unknown()));

/** An item of a PlanList. */
export const planItem = v.object({
  reference,
  service: text('Its name'),
  baseRevision: count('Revision that the plan was made from'),
  outcome: oneOf(['created', 'updated', 'unchanged', 'deleted'], 'What would be done'),
  changes: v.array(
    v.object({
      action: oneOf(['create', 'update', 'delete'], 'What would be done to it'),
      reference,
      before: planned,
      after: planned,
    }),
  ),
  claims: texts('Entries that it would take'),
  releases: texts('Entries that it would give up'),
  narrowing: v.pipe(
    v.array(v.record(v.string(), v.unknown())),
    v.description('What it would take away; needs consent if it is not empty'),
  ),
  instances: v.pipe(
    v.array(v.record(v.string(), v.unknown())),
    v.description('Instances after it, oldest first'),
  ),
  applyCommand: v.nullable(text('The request that applies it; null: there is nothing to do')),
} satisfies FieldsOf<PlanItem>);
