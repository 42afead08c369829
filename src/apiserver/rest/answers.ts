/** Owns the schema of everything that the REST API answers, by name: the envelope of `-o json`, and the one form of errors. Pure. */
import * as v from 'valibot';
import { errorAnswer } from '../../store/api/wire.ts';
import { changeItem, planItem } from './answer-changes.ts';
import { count, number } from './answer-fields.ts';
import { instanceItem, nodeItem, serviceItem } from './answer-items.ts';
import { descriptionItem, statusItem } from './answer-views.ts';

const envelope = <const K extends string, S extends v.GenericSchema>(kind: K, item: S) =>
  v.object({
    kind: v.literal(kind),
    version: v.literal(1),
    revision: v.nullable(count('Revision of the store that the items show')),
    items: v.array(item),
  });

/** Items of which answers are made. */
export const ITEMS = {
  Service: serviceItem,
  Instance: instanceItem,
  Node: nodeItem,
  Change: changeItem,
  Plan: planItem,
  Description: descriptionItem,
  StatusReport: statusItem,
};

/** Answers by name. */
export const ANSWERS = {
  ServiceList: envelope('ServiceList', serviceItem),
  InstanceList: envelope('InstanceList', instanceItem),
  NodeList: envelope('NodeList', nodeItem),
  ChangeList: envelope('ChangeList', changeItem),
  PlanList: envelope('PlanList', planItem),
  DescriptionList: envelope('DescriptionList', descriptionItem),
  Status: envelope('Status', statusItem),
  Error: v.object({
    ...errorAnswer.entries,
    version: v.literal(1),
    exitCode: number('What a command ends with that meets it'),
  }),
};

/** Name of an answer. */
export type AnswerName = keyof typeof ANSWERS;
