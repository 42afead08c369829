/** Owns the JSON form of a plan, for `plan -o json` and for applying a saved plan. Stable: fields are only ever added. Pure. */
import { formatAddress } from '../model/address.ts';
import { formatAffinity } from '../model/affinity.ts';
import { formatEntry } from '../model/entry.ts';
import { type PolicyObject, policyObject } from '../model/policy-format.ts';
import type { ScalingPin } from '../model/policy-scaling.ts';
import type { Instance, Service } from '../model/service.ts';
import { templateHash } from '../model/template-hash.ts';
import { type TemplateWords, templateWords } from '../model/template-words.ts';
import type { Change, Narrowing, Plan } from './plan.ts';

/** A service as in JSON. */
interface ServiceJson {
  readonly name: string;
  readonly entries: readonly string[];
  readonly origin: string;
  readonly masquerade: boolean;
  readonly affinity: string;
  readonly announce: boolean;
  /** The app that a registered service draws from; null of others. */
  readonly registry: string | null;
  /** Of managed services; null of others. The template is as in a spec file. */
  readonly replicas: number | null;
  readonly template: TemplateWords | null;
  readonly templateHash: string | null;
  /** As in a spec file; null where nothing is said. */
  readonly policy: PolicyObject | null;
  readonly pin: ScalingPin | null;
}

/** An instance as in JSON. */
interface InstanceJson {
  readonly id: string;
  readonly address: string;
  readonly weight: number;
  readonly origin: string;
  readonly state: string;
  /** True if people asked to drain it. */
  readonly drain: boolean;
}

/** A change as in JSON: null where there was or will be nothing. */
interface ChangeJson {
  /** create | update | delete */
  readonly action: 'create' | 'update' | 'delete';
  /** `service/web`, `web/10.0.1.11:8080` */
  readonly reference: string;
  readonly before: ServiceJson | InstanceJson | null;
  readonly after: ServiceJson | InstanceJson | null;
}

/** A plan as in JSON. */
export interface PlanJson {
  readonly service: string;
  readonly baseRevision: number;
  readonly outcome: Plan['outcome'];
  readonly changes: readonly ChangeJson[];
  readonly claims: readonly string[];
  readonly releases: readonly string[];
  readonly narrowing: readonly Readonly<Record<string, unknown>>[];
  /** The instances after the plan, oldest first. */
  readonly instances: readonly InstanceJson[];
}

function serviceJson(service: Service): ServiceJson {
  const {
    name,
    entries,
    origin,
    masquerade,
    affinitySeconds,
    announce,
    registry,
    replicas,
    template,
    policy,
    pin,
  } = service;
  return {
    name,
    entries: entries.map(formatEntry),
    origin,
    masquerade,
    affinity: formatAffinity(affinitySeconds),
    announce: announce ?? false,
    registry: registry ?? null,
    replicas: replicas ?? null,
    template: template === undefined ? null : templateWords(template),
    templateHash: template === undefined ? null : templateHash(template),
    policy: policy === undefined ? null : policyObject(policy),
    pin: pin ?? null,
  };
}

function instanceJson(instance: Instance): InstanceJson {
  const { id, weight, origin, state } = instance;
  const drain = instance.drain !== undefined;
  return { id, address: formatAddress(instance), weight, origin, state, drain };
}

function changeJson(change: Change, service: string): ChangeJson {
  const ofService = { reference: `service/${service}`, before: null, after: null };
  switch (change.kind) {
    case 'create-service':
      return { ...ofService, action: 'create', after: serviceJson(change.after) };
    case 'update-service': {
      const before = serviceJson(change.before.value);
      return { ...ofService, action: 'update', before, after: serviceJson(change.after) };
    }
    case 'delete-service':
      return { ...ofService, action: 'delete', before: serviceJson(change.before.value) };
    case 'add-instance':
    case 'update-instance':
    case 'remove-instance':
      return instanceChangeJson(change, service);
  }
  return change satisfies never;
}

type InstanceChange = Extract<Change, { readonly kind: `${string}-instance` }>;

function instanceChangeJson(change: InstanceChange, service: string): ChangeJson {
  const before = change.kind === 'add-instance' ? null : instanceJson(change.before.value);
  const after = change.kind === 'remove-instance' ? null : instanceJson(change.after);
  const action = before === null ? 'create' : after === null ? 'delete' : 'update';
  return { action, reference: `${service}/${(after ?? before)?.id ?? ''}`, before, after };
}

function narrowingJson(narrowing: Narrowing): Readonly<Record<string, unknown>> {
  if (narrowing.kind !== 'moves-entries') return { ...narrowing };
  return { kind: narrowing.kind, entries: narrowing.entries.map(formatEntry) };
}

/** A plan as JSON data; addresses and entries as canonical text. */
export function planJson(plan: Plan): PlanJson {
  return {
    service: plan.service,
    baseRevision: plan.baseRevision,
    outcome: plan.outcome,
    changes: plan.changes.map((change) => changeJson(change, plan.service)),
    claims: plan.claims.map(formatEntry),
    releases: plan.releases.map(formatEntry),
    narrowing: plan.narrowing.map(narrowingJson),
    instances: plan.after.map(instanceJson),
  };
}
