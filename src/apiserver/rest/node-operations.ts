/** Owns the operations on nodes: list, describe, cordon, uncordon, drain, restore. */
import { changeNode, type NodeChange, planNodeChange } from '../../ops/change-node.ts';
import { describe } from '../../ops/describe.ts';
import { envelope } from '../../ops/envelope.ts';
import { listNodes } from '../../ops/list.ts';
import { readRequest } from '../../store/api/wire.ts';
import type { Answer } from '../http/route.ts';
import { type ChangeWords, nodeAnswer, optionsFrom } from './changing.ts';
import { orderOf } from './drain-request.ts';
import { CHANGE_QUERY, drainBody, nodeParam, READ_QUERY } from './fields.ts';
import { answerList } from './list-answer.ts';
import { type CallDeps, type Operation, operation } from './operation.ts';

const ONE = { path: '/v1/nodes/{node}', params: { node: nodeParam } } as const;
const CHANGE = { method: 'POST', params: ONE.params, query: CHANGE_QUERY, answers: ['ChangeList'] } as const;

const list = operation({
  id: 'listNodes',
  method: 'GET',
  path: '/v1/nodes',
  summary: 'All nodes ever seen, as sluice list nodes -o json',
  params: {},
  query: READ_QUERY,
  answers: ['NodeList'],
  handle: async ({ exchange, read }) => {
    const { revision, items } = await listNodes(read);
    return answerList(exchange, read.reading?.pace, { kind: 'NodeList', revision, items });
  },
});

const describeOne = operation({
  ...ONE,
  id: 'describeNode',
  method: 'GET',
  summary: 'A node with everything known about it, as sluice describe node/NODE -o json',
  query: READ_QUERY,
  answers: ['DescriptionList'],
  handle: async ({ read, params }) => {
    const { revision, description } = await describe(read, { kind: 'node', node: params.node });
    return { kind: 'json', value: envelope('DescriptionList', revision, [{ ...description }]) };
  },
});

async function change(
  { read, write }: CallDeps,
  wanted: { readonly node: string; readonly change: NodeChange },
  query: ChangeWords,
): Promise<Answer> {
  if (query.dryRun !== true) return nodeAnswer(await changeNode(write, wanted, optionsFrom(query)), false);
  return nodeAnswer(await planNodeChange(read, wanted, query), true);
}

const cordon = operation({
  ...CHANGE,
  id: 'cordonNode',
  path: `${ONE.path}/cordon`,
  summary: 'Nothing new is placed on a node, as sluice node cordon',
  handle: async ({ params: { node }, query, ...deps }) =>
    change(deps, { node, change: { kind: 'cordon' } }, query),
});

const uncordon = operation({
  ...CHANGE,
  id: 'uncordonNode',
  path: `${ONE.path}/uncordon`,
  summary: 'New instances may be placed on a node again, as sluice node uncordon',
  handle: async ({ params: { node }, query, ...deps }) =>
    change(deps, { node, change: { kind: 'uncordon' } }, query),
});

const drain = operation({
  ...CHANGE,
  id: 'drainNode',
  path: `${ONE.path}/drain`,
  summary: 'Empties a node without loss, as sluice drain node/NODE',
  body: drainBody,
  handle: async ({ exchange, params: { node }, query, ...deps }) => {
    const body = readRequest(drainBody, await exchange.body());
    const order = orderOf(deps.write, body, query.reason);
    return change(deps, { node, change: { kind: 'drain', order } }, query);
  },
});

const restore = operation({
  ...CHANGE,
  id: 'restoreNode',
  path: `${ONE.path}/restore`,
  summary: 'Takes an order to drain a node back, as sluice restore node/NODE',
  handle: async ({ params: { node }, query, ...deps }) =>
    change(deps, { node, change: { kind: 'restore' } }, query),
});

/** The operations. */
export const NODE_OPERATIONS: readonly Operation[] = [list, describeOne, cordon, uncordon, drain, restore];
