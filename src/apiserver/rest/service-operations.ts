/** Owns the operations on services: list, describe, publish, unpublish, scale. */
import type * as v from 'valibot';
import { SluiceError } from '../../errors.ts';
import { parseSpecs } from '../../model/spec.ts';
import type { ServiceSpec } from '../../model/service.ts';
import { changeService, planServiceChange, type ServiceChange } from '../../ops/change-service.ts';
import { describe } from '../../ops/describe.ts';
import { envelope } from '../../ops/envelope.ts';
import { listServices } from '../../ops/list.ts';
import { planRemovals, planSpecs } from '../../ops/preview.ts';
import { publish } from '../../ops/publish.ts';
import { unpublish } from '../../ops/unpublish.ts';
import { ENTRIES_REFUSED, FIELDS, fullSetReason, NO_INSTANCE, scalesToNone } from '../../plan/consents.ts';
import type { ScaleRequest } from '../../plan/scale.ts';
import { readRequest, wrongField } from '../../store/api/wire.ts';
import type { Answer } from '../http/route.ts';
import { type Act, changeAnswer, ifNarrowing, optionsFrom, planAnswer, reportAnswer } from './changing.ts';
import {
  CHANGE_QUERY,
  DELETE_QUERY,
  READ_QUERY,
  REPLACE_QUERY,
  scaleBody,
  serviceParam,
  YES_QUERY,
} from './fields.ts';
import { answerList } from './list-answer.ts';
import { type Operation, operation } from './operation.ts';
import { specBody } from './spec-body.ts';

const ONE = { path: '/v1/services/{service}', params: { service: serviceParam } } as const;

const list = operation({
  id: 'listServices',
  method: 'GET',
  path: '/v1/services',
  summary: 'All services, as sluice list services -o json',
  params: {},
  query: READ_QUERY,
  answers: ['ServiceList'],
  handle: async ({ exchange, read }) => {
    const { revision, items } = await listServices(read);
    return answerList(exchange, read.reading?.pace, { kind: 'ServiceList', revision, items });
  },
});

const describeOne = operation({
  ...ONE,
  id: 'describeService',
  method: 'GET',
  summary: 'A service with everything known about it, as sluice describe SERVICE -o json',
  query: READ_QUERY,
  answers: ['DescriptionList'],
  handle: async ({ read, params }) => {
    const { revision, description } = await describe(read, { kind: 'service', service: params.service });
    return { kind: 'json', value: envelope('DescriptionList', revision, [{ ...description }]) };
  },
});

/** The one spec of a body. @throws SluiceError `invalid-spec` */
async function specOf(text: string, service: string): Promise<ServiceSpec> {
  const [spec, ...others] = await parseSpecs(text, { file: 'body.json' });
  if (spec === undefined || others.length > 0) throw wrongField('body', text, 'must be one service');
  if (spec.name === service) return spec;
  throw wrongField('name', spec.name, `must be ${service}, as in the path`);
}

const put = operation({
  ...ONE,
  id: 'publishService',
  method: 'PUT',
  summary: 'Creates or updates a service, as sluice publish -f; the spec says everything about it',
  query: { ...CHANGE_QUERY, ...REPLACE_QUERY },
  body: specBody,
  answers: ['ChangeList', 'PlanList'],
  handle: async ({ exchange, read, write, params, query }) => {
    const spec = await specOf((await exchange.textBody(['application/json'])).text, params.service);
    const act: Act = {
      doing: 'publishing',
      because: (plan) => fullSetReason(plan, FIELDS),
      word: 'replace',
      given: query.replace,
      needs: ifNarrowing,
    };
    if (query.dryRun !== true) return reportAnswer(await publish(write, [spec], optionsFrom(query, act)));
    return onePlan(await planSpecs(read, [spec], query), (plan) => planAnswer(plan, write, act));
  },
});

/** One service was asked for, so there is one plan. */
function onePlan<T>([plan]: readonly T[], answer: (plan: T) => Answer): Answer {
  if (plan !== undefined) return answer(plan);
  throw new SluiceError('internal', 'there is no plan for the service');
}

const remove = operation({
  ...ONE,
  id: 'unpublishService',
  method: 'DELETE',
  summary: 'Deletes a service, as sluice unpublish',
  query: { ...CHANGE_QUERY, ...DELETE_QUERY },
  answers: ['ChangeList', 'PlanList'],
  handle: async ({ read, write, params, query }) => {
    const act: Act = {
      doing: 'unpublishing',
      because: () => ENTRIES_REFUSED,
      word: 'yes',
      given: query.yes,
      needs: ifNarrowing,
    };
    const names = [params.service];
    if (query.dryRun !== true) return reportAnswer(await unpublish(write, names, optionsFrom(query, act)));
    return onePlan(await planRemovals(read, names, query), (plan) => planAnswer(plan, write, act));
  },
});

/** The schema lets one of the two through. */
function requestOf({ replicas, by = 0 }: v.InferOutput<typeof scaleBody>): ScaleRequest {
  return replicas === undefined ? { kind: 'by', count: by } : { kind: 'to', count: replicas };
}

const scale = operation({
  id: 'scaleService',
  method: 'POST',
  path: `${ONE.path}/scale`,
  params: ONE.params,
  summary: 'Changes how many instances run, as sluice scale',
  query: { ...CHANGE_QUERY, ...YES_QUERY },
  body: scaleBody,
  answers: ['ChangeList', 'PlanList'],
  handle: async ({ exchange, read, write, params, query }) => {
    const body = readRequest(scaleBody, await exchange.body());
    const act: Act = {
      doing: 'scaling',
      because: () => NO_INSTANCE,
      word: 'yes',
      given: query.yes,
      needs: (plan) => (scalesToNone(plan) ? plan : undefined),
    };
    const change: ServiceChange = {
      kind: 'scale',
      service: params.service,
      request: requestOf(body),
    };
    if (query.dryRun !== true)
      return changeAnswer(await changeService(write, change, optionsFrom(query, act)));
    return planAnswer(await planServiceChange(read, change, query), write, act);
  },
});

/** The operations. */
export const SERVICE_OPERATIONS: readonly Operation[] = [list, describeOne, put, remove, scale];
