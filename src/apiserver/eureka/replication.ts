/**
 * Owns batches of other Eureka servers that have this one among their peers: each item is what a client said there, and is answered as the
 * client's request would be. Must not send anything to a server.
 */
import { instanceTree } from '../../eureka/instance-tree.ts';
import { batchAnswer, readBatch, type Replicated, type ReplicatedAnswer } from '../../eureka/replication.ts';
import { appNameOf, isRegistrationId } from '../../model/registration.ts';
import { overrideCleared, overridden, registered } from '../../registry/lifecycle.ts';
import { wrongField } from '../../store/api/wire.ts';
import type { Answer, Exchange } from '../http/route.ts';
import type { RegistrationChange, RegistrationName, Registry } from '../registry/registry.ts';
import type { EurekaParts } from './routes.ts';
import { checkMayRegister } from './write.ts';

/** Items that are written at once: each is a transaction of its own. */
const AT_ONCE = 16;

const status = (statusCode: number): ReplicatedAnswer => ({ statusCode });

/** Changes one that is there; one that is not is answered with 404: the other server then sends a registration. */
async function changed(
  registry: Registry,
  name: RegistrationName,
  change: RegistrationChange,
): Promise<ReplicatedAnswer> {
  return status((await registry.change(name, (known) => known && change(known))) === undefined ? 404 : 200);
}

/** A heartbeat; the other server is told what is known better here. */
async function renewed(
  registry: Registry,
  name: RegistrationName,
  dirtyMs: number,
): Promise<ReplicatedAnswer> {
  if (!(await registry.renew(name, dirtyMs))) return status(404);
  const known = registry.copy.catalog.find(name.app, name.id)?.registration;
  if (known === undefined || dirtyMs === 0 || known.dirtyMs <= dirtyMs) return status(200);
  return { statusCode: 409, responseEntity: instanceTree(known, 'MODIFIED') };
}

async function apply({ registry, clock }: EurekaParts, item: Replicated): Promise<ReplicatedAnswer> {
  const [app, nowMs] = [appNameOf(item.app), clock.now().getTime()];
  if (item.action === 'Register') {
    if (item.instance.kind === 'refused') return status(400);
    const { request } = item.instance;
    await registry.change(request, (before) => registered(request, before, nowMs));
    return status(204);
  }
  if (app === undefined || !isRegistrationId(item.id)) return status(404);
  const name = { app, id: item.id };
  switch (item.action) {
    case 'Heartbeat':
      return renewed(registry, name, item.dirtyMs);
    case 'Cancel':
      return changed(registry, name, () => undefined);
    case 'StatusUpdate':
      return changed(registry, name, (before) => before && overridden(before, item.status, nowMs));
    case 'DeleteStatusOverride':
      return changed(registry, name, (before) => before && overrideCleared(before, item.status, nowMs));
    case 'unknown':
    default:
      return status(400);
  }
}

/**
 * Items of one instance in their order, those of different instances beside each other.
 * @returns answers in the order of the items
 */
async function applyAll(
  parts: EurekaParts,
  items: readonly Replicated[],
): Promise<readonly ReplicatedAnswer[]> {
  const answers: ReplicatedAnswer[] = [];
  const byInstance = new Map<string, (readonly [number, Replicated])[]>();
  for (const [index, item] of items.entries()) {
    const key = `${item.app.toUpperCase()}/${item.id}`;
    byInstance.set(key, [...(byInstance.get(key) ?? []), [index, item]]);
  }
  const queue = [...byInstance.values()];
  const work = async (): Promise<void> => {
    for (let group = queue.shift(); group !== undefined; group = queue.shift())
      for (const [index, item] of group) answers[index] = await apply(parts, item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return answers;
}

/** The handler. All of a batch fails if the store cannot be written; the other server sends it again. */
export function createReplication(parts: EurekaParts): (exchange: Exchange) => Promise<Answer> {
  return async (exchange) => {
    checkMayRegister(exchange.caller);
    const items = readBatch(await exchange.body());
    if (items === undefined) throw wrongField('replicationList', undefined, 'must be a list of at most 5000');
    return { kind: 'json', value: batchAnswer(await applyAll(parts, items)) };
  };
}
