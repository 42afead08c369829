/** Owns the operations on instances: list, describe, drain, restore. */
import { parseReference, type Reference } from '../../model/reference.ts';
import { changeService, planServiceChange, type ServiceChange } from '../../ops/change-service.ts';
import { describe } from '../../ops/describe.ts';
import { envelope } from '../../ops/envelope.ts';
import { listInstances } from '../../ops/list.ts';
import { drainOfLast, NO_CONNECTIONS } from '../../plan/consents.ts';
import { readRequest, wrongField } from '../../store/api/wire.ts';
import type { Answer } from '../http/route.ts';
import { type Act, changeAnswer, optionsFrom, planAnswer, type ChangeWords } from './changing.ts';
import { orderOf } from './drain-request.ts';
import { CHANGE_QUERY, drainBody, instanceParam, READ_QUERY, serviceParam, YES_QUERY } from './fields.ts';
import { answerList } from './list-answer.ts';
import { type CallDeps, type Operation, operation } from './operation.ts';

const ALL = '/v1/services/{service}/instances';
const ONE = {
  path: `${ALL}/{instance}`,
  params: { service: serviceParam, instance: instanceParam },
} as const;

/** The instance of a path, its id in canonical spelling. @throws SluiceError `invalid-spec` */
function instanceOf(params: {
  readonly service: string;
  readonly instance: string;
}): Extract<Reference, { kind: 'instance' }> {
  const { service, instance } = params;
  const reference = instance.includes('/') ? undefined : parseReference(`service/${service}/${instance}`);
  if (reference?.kind === 'instance') return reference;
  throw wrongField('instance', instance, 'must be the id of an instance');
}

const list = operation({
  id: 'listInstances',
  method: 'GET',
  path: '/v1/instances',
  summary: 'All instances of all services, as sluice list instances -o json',
  params: {},
  query: READ_QUERY,
  answers: ['InstanceList'],
  handle: async ({ exchange, read }) => {
    const { revision, items } = await listInstances(read);
    return answerList(exchange, read.reading?.pace, { kind: 'InstanceList', revision, items });
  },
});

const listOfService = operation({
  id: 'listInstancesOfService',
  method: 'GET',
  path: ALL,
  summary: 'The instances of a service, as sluice list instances SERVICE -o json',
  params: { service: serviceParam },
  query: READ_QUERY,
  answers: ['InstanceList'],
  handle: async ({ exchange, read, params }) => {
    const { revision, items } = await listInstances(read, { service: params.service });
    return answerList(exchange, read.reading?.pace, { kind: 'InstanceList', revision, items });
  },
});

const describeOne = operation({
  ...ONE,
  id: 'describeInstance',
  method: 'GET',
  summary: 'An instance with everything known about it, as sluice describe SERVICE/INSTANCE -o json',
  query: READ_QUERY,
  answers: ['DescriptionList'],
  handle: async ({ read, params }) => {
    const { revision, description } = await describe(read, instanceOf(params));
    return { kind: 'json', value: envelope('DescriptionList', revision, [{ ...description }]) };
  },
});

async function change(
  { read, write }: CallDeps,
  wanted: ServiceChange,
  { query, act }: { readonly query: ChangeWords; readonly act?: Act | undefined },
): Promise<Answer> {
  if (query.dryRun === true) return planAnswer(await planServiceChange(read, wanted, query), write, act);
  return changeAnswer(await changeService(write, wanted, optionsFrom(query, act)));
}

const drain = operation({
  id: 'drainInstance',
  method: 'POST',
  path: `${ONE.path}/drain`,
  params: ONE.params,
  summary: 'No new connections to an instance, as sluice drain SERVICE/INSTANCE',
  query: { ...CHANGE_QUERY, ...YES_QUERY },
  body: drainBody,
  answers: ['ChangeList', 'PlanList'],
  handle: async ({ exchange, params, query, ...deps }) => {
    const body = readRequest(drainBody, await exchange.body());
    const { service, id } = instanceOf(params);
    const order = orderOf(deps.write, body, query.reason);
    const request = { kind: 'drain', ids: [id], order } as const;
    const act: Act = {
      doing: 'draining',
      because: () => NO_CONNECTIONS,
      word: 'yes',
      given: query.yes,
      needs: drainOfLast,
    };
    return change(deps, { kind: 'drain', service, request }, { query, act });
  },
});

const restore = operation({
  id: 'restoreInstance',
  method: 'POST',
  path: `${ONE.path}/restore`,
  params: ONE.params,
  summary: 'New connections to an instance again, as sluice restore SERVICE/INSTANCE',
  query: CHANGE_QUERY,
  answers: ['ChangeList', 'PlanList'],
  handle: async ({ params, query, ...deps }) => {
    const { service, id } = instanceOf(params);
    const request = { kind: 'restore', ids: [id] } as const;
    return change(deps, { kind: 'drain', service, request }, { query });
  },
});

/** The operations. */
export const INSTANCE_OPERATIONS: readonly Operation[] = [list, listOfService, describeOne, drain, restore];
