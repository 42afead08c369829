/**
 * Owns a cluster in memory for tests of the leader's decisions: the store's records with their revisions, agents that do as they are told
 * or fail, and a leader whose steps are written only if what they stand on is unchanged.
 */
import type { Assignment } from '../../src/model/assignment.ts';
import type { NodeFacts, Reaches } from '../../src/model/node.ts';
import type { Instance, InstanceState, Service, Stored } from '../../src/model/service.ts';
import { templateOf } from '../../src/model/template-defaults.ts';
import type { Template } from '../../src/model/template.ts';
import { emptyMemory, remember } from '../../src/schedule/memory.ts';
import { planCluster } from '../../src/schedule/plan.ts';
import type { Basis, Step } from '../../src/schedule/step.ts';
import type { ClusterView, Memory, NodeView } from '../../src/schedule/view.ts';

const AT = '2026-01-01T00:00:00.000Z';

/** A record of any family by its key. */
type Records<T> = Map<string, Stored<T>>;

/** A template that differs from another by its words only. */
export const template = (word: string, more: Partial<Template> = {}): Template => ({
  ...templateOf({ command: ['/bin/serve', word] }),
  ...more,
});

/** The highest mod revision of records whose key begins so; 0 if there are none. */
const newest = (records: Records<unknown>, prefix = ''): number =>
  Math.max(
    0,
    ...[...records].filter(([key]) => key.startsWith(prefix)).map(([, { modRevision }]) => modRevision),
  );

/** The cluster. */
export class World {
  revision = 1;
  ms = 0;
  readonly services: Records<Service> = new Map();
  readonly assignments: Records<Assignment> = new Map();
  readonly instances: Records<Instance> = new Map();
  readonly facts: Records<NodeFacts> = new Map();
  readonly alive = new Map<string, number>();
  /** What nodes say of others. */
  readonly reaches = new Map<string, Reaches>();
  memory: Memory = emptyMemory();
  placed: string[] = [];
  private ids = 0;

  private put<T>(records: Records<T>, key: string, value: T): void {
    this.revision += 1;
    const createRevision = records.get(key)?.createRevision ?? this.revision;
    records.set(key, { value, createRevision, modRevision: this.revision, raw: {} });
  }

  node(name: string, more: Partial<NodeFacts> = {}): void {
    const machine = { cpus: 4, memoryBytes: 1, version: '1', kernel: '6', dataplane: 'x', startedAt: AT };
    const before = this.facts.get(name)?.value ?? {
      name,
      addresses: ['10.0.0.1'],
      drivers: ['process' as const],
    };
    this.put(this.facts, name, { ...machine, ...before, ...more });
    if (!this.alive.has(name)) this.wake(name);
  }

  /** What people say of a node; it stays as silent as it is. */
  annotate(name: string, more: Partial<NodeFacts>): void {
    const before = this.facts.get(name)?.value;
    if (before !== undefined) this.put(this.facts, name, { ...before, ...more });
  }

  wake(name: string): void {
    this.revision += 1;
    this.alive.set(name, this.revision);
  }

  silence(name: string): void {
    this.revision += 1;
    this.alive.delete(name);
  }

  publish(name: string, replicas: number, what: Template): void {
    const rest = { entries: [], masquerade: false, createdAt: AT };
    this.put(this.services, name, { name, origin: 'managed', replicas, template: what, ...rest });
  }

  unpublish(name: string): void {
    this.revision += 1;
    this.services.delete(name);
  }

  /** What the agent of its node says of an assigned instance. */
  say(assignment: Assignment, state: InstanceState, more: Partial<Instance> = {}): void {
    const { service, id, node, templateHash } = assignment;
    const key = `${service}/${id}`;
    const before = this.instances.get(key)?.value;
    const place = { ip: '10.0.0.1', port: 20_000, weight: 1, origin: 'managed' as const, createdAt: AT };
    this.put(this.instances, key, { ...place, service, id, node, templateHash, ...before, state, ...more });
  }

  view(): ClusterView {
    const instances = new Map<string, Stored<Instance>[]>();
    for (const one of this.instances.values()) {
      instances.set(one.value.service, [...(instances.get(one.value.service) ?? []), one]);
    }
    const names = new Set([...this.facts.keys(), ...this.alive.keys()]);
    const nodes = new Map(
      [...names].map((name): [string, NodeView] => [
        name,
        {
          name,
          facts: this.facts.get(name),
          aliveRevision: this.alive.get(name),
          reaches: this.reaches.get(name),
        },
      ]),
    );
    const state = {
      services: new Map(this.services),
      instances,
      assignments: [...this.assignments.values()],
      nodes,
      listed: new Map(),
      weights: new Map(),
      unreadable: new Map<string, string>(),
    };
    this.memory = remember(this.memory, state, this.ms);
    return { ...state, memory: this.memory };
  }

  plan(view = this.view()): readonly Step[] {
    this.ids += 20;
    const ids = Array.from({ length: 20 }, (_, index) => `i${this.ids + index}`);
    return planCluster(view, { ms: this.ms, at: AT }, { ids });
  }

  /** As `plan`, with known loads. */
  planWith(view: ClusterView, load: ReadonlyMap<string, number>): readonly Step[] {
    return planCluster(view, { ms: this.ms, at: AT }, { ids: ['loaded'], load });
  }

  private modRevision(basis: Basis): number {
    if (basis.kind === 'service') return this.services.get(basis.service)?.modRevision ?? 0;
    if (basis.kind === 'node') return this.facts.get(basis.node)?.modRevision ?? 0;
    if (basis.kind === 'node-alive') return this.alive.get(basis.node) ?? 0;
    if (basis.kind === 'weights') return 0;
    const unit = `${basis.service}/${basis.id}`;
    if (basis.kind === 'instance') return this.instances.get(unit)?.modRevision ?? 0;
    return this.assignments.get(`${basis.node}/${unit}`)?.modRevision ?? 0;
  }

  /** Writes steps that were planned at a revision, as the leader does. @returns the steps that were written */
  write(
    steps: readonly Step[],
    atRevision: number,
    before: (step: Step) => void = () => undefined,
  ): readonly Step[] {
    let assignmentsAt = atRevision;
    return steps.filter((step) => {
      if (newest(this.assignments) > assignmentsAt) return false;
      if (newest(this.instances, `${step.service}/`) > atRevision) return false;
      if (!step.basis.every((basis) => this.modRevision(basis) === basis.modRevision)) return false;
      before(step);
      for (const action of step.actions) this.act(action);
      assignmentsAt = this.revision;
      return true;
    });
  }

  private act(action: Step['actions'][number]): void {
    if (action.kind === 'remove') {
      this.revision += 1;
      this.instances.delete(`${action.service}/${action.id}`);
      this.assignments.delete(`${action.node ?? ''}/${action.service}/${action.id}`);
      return;
    }
    if (action.kind === 'weigh' || action.kind === 'resize') return;
    const { node, service, id } = action.assignment;
    if (action.kind === 'place') this.placed.push(id);
    this.put(this.assignments, `${node}/${service}/${id}`, action.assignment);
  }

  /** One look of the leader. */
  tick(ms = 200, before?: (step: Step) => void): readonly Step[] {
    this.ms += ms;
    const view = this.view();
    const { revision } = this;
    const steps = this.plan(view);
    const written = this.write(steps, revision, before);
    if (written.length < steps.length) throw new Error('a step from a fresh view was refused');
    return written;
  }

  /** Every live agent moves its instances one step on; `isWell` says whether an instance comes up. */
  agents(isWell: (assignment: Assignment) => boolean = () => true): void {
    for (const { value } of this.assignments.values()) {
      if (!this.alive.has(value.node)) continue;
      const instance = this.instances.get(`${value.service}/${value.id}`)?.value;
      const next = nextState(value, instance, isWell(value));
      if (next !== instance?.state) this.say(value, next);
    }
  }

  /** Looks and moves until nothing changes any more. */
  settle(isWell?: (assignment: Assignment) => boolean, rounds = 400, check?: (step: Step) => void): void {
    let quiet = 0;
    for (let round = 0; round < rounds && quiet < 70; round += 1) {
      const before = this.revision;
      this.tick(1_000, check);
      this.agents(isWell);
      quiet = this.revision === before ? quiet + 1 : 0;
    }
  }

  of(service: string): readonly { readonly assignment: Assignment; readonly state: InstanceState }[] {
    return [...this.assignments.values()]
      .filter(({ value }) => value.service === service)
      .map(({ value }) => ({
        assignment: value,
        state: this.instances.get(`${service}/${value.id}`)?.value.state ?? 'pending',
      }));
  }

  /** Nodes of a service's instances that stay, sorted. */
  nodesOf(service: string): readonly string[] {
    return this.of(service)
      .filter(({ assignment }) => assignment.stop === undefined)
      .map(({ assignment }) => assignment.node)
      .toSorted();
  }
}

function nextState({ stop }: Assignment, instance: Instance | undefined, well: boolean): InstanceState {
  const state = instance?.state;
  if (stop !== undefined || instance?.drain?.force === true) {
    if (state === 'ready' || state === 'starting') return 'draining';
    return 'stopped';
  }
  if (!well) return state === undefined || state === 'pending' ? 'starting' : 'crashloop';
  return state === undefined || state === 'pending' ? 'starting' : 'ready';
}
