/** Owns what a plan says line by line, as data for a renderer: signs, subjects, values before and after. Pure. */
import { formatAddress } from '../model/address.ts';
import { formatAffinity } from '../model/affinity.ts';
import { type Entry, formatEntry } from '../model/entry.ts';
import type { Instance, Service } from '../model/service.ts';
import { isServing } from '../model/serving.ts';
import { formatShare, sharesOf } from '../model/share.ts';
import { policyLines } from './summary-policy.ts';
import { managedLines } from './summary-managed.ts';
import type { SummaryLine } from './summary-line.ts';
import type { Change, Plan } from './plan.ts';

/** `service/web created`: the result line of a command. */
export function headline(plan: Plan): string {
  return `service/${plan.service} ${plan.outcome}`;
}

/** The instances before the plan, in no particular order. */
function instancesBefore(plan: Plan): readonly Instance[] {
  const changed = new Map(
    plan.changes.flatMap((change): readonly (readonly [string, Instance | undefined])[] => {
      if (change.kind === 'add-instance') return [[change.after.id, undefined]];
      if (change.kind === 'update-instance') return [[change.after.id, change.before.value]];
      return [];
    }),
  );
  const kept = plan.after.flatMap((instance) => {
    const before = changed.has(instance.id) ? changed.get(instance.id) : instance;
    return before === undefined ? [] : [before];
  });
  const removed = plan.changes.flatMap((change) =>
    change.kind === 'remove-instance' ? [change.before.value] : [],
  );
  return [...kept, ...removed];
}

/** `3 (75%)` by instance id. */
function weightTexts(instances: readonly Instance[]): ReadonlyMap<string, string> {
  const shares = sharesOf(instances);
  return new Map(
    instances.map(({ id, weight }, index) => [id, `${weight} (${formatShare(shares[index] ?? 0)})`]),
  );
}

const entryLine = (sign: '+' | '-', entry: Entry): SummaryLine => ({
  sign,
  subject: `entry ${formatEntry(entry)}`,
  detail: '',
});

interface Weights {
  readonly before: ReadonlyMap<string, string>;
  readonly after: ReadonlyMap<string, string>;
}

/** What of a service is neither entry nor instance. */
const settingsOf = ({
  masquerade,
  affinitySeconds,
  announce = false,
  registry,
}: Service): readonly string[] => [
  `masquerade ${masquerade}`,
  `affinity ${formatAffinity(affinitySeconds)}`,
  `announce ${announce}`,
  `registry ${registry ?? 'none'}`,
];

function updateLines(before: Service, after: Service): readonly SummaryLine[] {
  const subject = `service ${after.name}`;
  const settings = settingsOf(after);
  const changed = settingsOf(before).flatMap((text, at): readonly SummaryLine[] => {
    const now = settings[at] ?? '';
    return text === now ? [] : [{ sign: '~', subject, detail: `${text} → ${now.split(' ')[1] ?? ''}` }];
  });
  return [...changed, ...managedLines(before, after), ...policyLines(before, after)];
}

const drawnLine = (app: string): SummaryLine => ({
  sign: '+',
  subject: `instances of ${app}`,
  detail: 'as they register',
});

function lineOf(change: Change, weights: Weights): readonly SummaryLine[] {
  if (change.kind === 'create-service' || change.kind === 'delete-service') {
    const isNew = change.kind === 'create-service';
    const service = isNew ? change.after : change.before.value;
    const line: SummaryLine = { sign: isNew ? '+' : '-', subject: `service ${service.name}`, detail: '' };
    if (!isNew) return [line];
    const drawn = service.registry === undefined ? [] : [drawnLine(service.registry)];
    return [line, ...drawn, ...managedLines(undefined, service), ...policyLines(undefined, service)];
  }
  if (change.kind === 'update-service') return updateLines(change.before.value, change.after);
  const instance = change.kind === 'remove-instance' ? change.before.value : change.after;
  const subject = `instance ${instance.origin === 'managed' ? instance.id : formatAddress(instance)}`;
  const [before, after] = [weights.before.get(instance.id) ?? '', weights.after.get(instance.id) ?? ''];
  if (change.kind === 'add-instance') return [{ sign: '+', subject, detail: `weight ${after}` }];
  if (change.kind === 'remove-instance') return [{ sign: '-', subject, detail: `weight ${before}` }];
  const wasDrained = change.before.value.drain !== undefined;
  if (wasDrained !== (change.after.drain !== undefined)) {
    const isLater = !wasDrained && isServing(instance);
    const detail = isLater
      ? 'drained when another is ready in its place'
      : `${wasDrained ? 'restored' : 'drained'}: weight ${before} → ${after}`;
    return [{ sign: '~', subject, detail }];
  }
  return [{ sign: '~', subject, detail: `weight ${before} → ${after}` }];
}

const isService = (change: Change): boolean => change.kind.endsWith('-service');

/** A line for each change: the service, entries claimed and released, instances added, updated, removed. Empty exactly for `unchanged`. */
export function summaryLines(plan: Plan): readonly SummaryLine[] {
  const weights = { before: weightTexts(instancesBefore(plan)), after: weightTexts(plan.after) };
  return [
    ...plan.changes.filter(isService).flatMap((change) => lineOf(change, weights)),
    ...plan.claims.map((entry) => entryLine('+', entry)),
    ...plan.releases.map((entry) => entryLine('-', entry)),
    ...plan.changes.filter((change) => !isService(change)).flatMap((change) => lineOf(change, weights)),
  ];
}
