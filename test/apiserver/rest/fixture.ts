/** Owns what tests of the REST API start from: a small cluster behind an API server, and a request of every operation. */
import { systemClock } from '../../../src/host/clock.ts';
import { templateOf } from '../../../src/model/template-defaults.ts';
import { type Role, ROLES } from '../../../src/model/access.ts';
import { publish } from '../../../src/ops/publish.ts';
import { admin, nodeSays, spec } from '../../ops/world.ts';
import { eventually } from '../../contract/store-world.ts';
import { type ApiWorld, type HttpAsk, startApiWorld } from '../world.ts';

/** A spec as JSON. */
export const webSpec = (name: string, entry: string, instances: readonly string[]) => ({
  kind: 'Service',
  name,
  entries: [entry],
  instances,
});

/** Entries of the services that each role may delete. */
const entryOf = (role: Role): string => `10.96.1.${ROLES.indexOf(role) + 1}:80`;

/** A static and a managed service, one a role to delete, and a node. */
export async function startRestWorld(): Promise<ApiWorld> {
  const world = await startApiWorld();
  const template = templateOf({ command: ['node', '{port}'] });
  const app = { ...spec('app', '10.96.0.20:80'), instances: [], template, replicas: 2 };
  const doomed = ROLES.map((role) => spec(`gone-${role}`, entryOf(role)));
  await publish(admin(world.backend, 'ann', { clock: systemClock }), [
    spec('web', '10.96.0.10:80', '10.0.1.11:8080=3 10.0.1.12:8080'),
    app,
    ...doomed,
  ]);
  const revision = await nodeSays(world.backend, 'n1', { applied: 100 });
  await eventually(async () => {
    const answer = await world.ask({ target: '/v1/nodes', token: world.tokens.get('viewer') });
    if (answer.status !== 200 || !answer.text.includes('"n1"')) throw new Error(`not at ${revision} yet`);
  });
  return world;
}

/** A request of every operation that is all right for whoever may do it, by the operation's id. */
export function sampleOf(id: string, role: Role): HttpAsk | undefined {
  const web = '/v1/services/web';
  const one = `${web}/instances/10.0.1.11:8080`;
  const put = webSpec('web', '10.96.0.10:80', ['10.0.1.11:8080=3', '10.0.1.12:8080']);
  const samples: Readonly<Record<string, HttpAsk>> = {
    listServices: { target: '/v1/services' },
    describeService: { target: web },
    publishService: { target: web, method: 'PUT', body: put },
    unpublishService: { target: `/v1/services/gone-${role}?yes=true`, method: 'DELETE' },
    scaleService: { target: '/v1/services/app/scale', body: { replicas: role === 'admin' ? 3 : 4 } },
    listInstances: { target: '/v1/instances' },
    listInstancesOfService: { target: `${web}/instances` },
    describeInstance: { target: one },
    drainInstance: { target: `${one}/drain?reason=r-${role}`, body: {} },
    restoreInstance: { target: `${one}/restore`, method: 'POST' },
    listNodes: { target: '/v1/nodes' },
    describeNode: { target: '/v1/nodes/n1' },
    cordonNode: { target: '/v1/nodes/n1/cordon', method: 'POST' },
    uncordonNode: { target: '/v1/nodes/n1/uncordon', method: 'POST' },
    drainNode: { target: '/v1/nodes/n1/drain', body: { deadlineSeconds: 5 } },
    restoreNode: { target: '/v1/nodes/n1/restore', method: 'POST' },
    status: { target: '/v1/status' },
    watch: { target: '/v1/watch?' },
  };
  return samples[id];
}
