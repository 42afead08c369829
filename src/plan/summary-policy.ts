/** Owns what a plan says of policies: each part that changes, as in a spec file, and the pin. Pure. */
import { policyObject } from '../model/policy-format.ts';
import type { Service } from '../model/service.ts';
import type { SummaryLine } from './summary-line.ts';

/** `scaling.max` → `20`, one for each value. */
function flat(value: unknown, path: string): readonly (readonly [string, string])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([name, inner]) =>
    flat(inner, path === '' ? name : `${path}.${name}`),
  );
}

function linesOf({ policy = {}, pin }: Service): ReadonlyMap<string, string> {
  const pinned = pin === undefined ? [] : [['pin', `${pin.replicas} until ${pin.until}`] as const];
  return new Map([
    ...flat(policyObject(policy), '').map(([name, text]) => [`policy ${name}`, text] as const),
    ...pinned,
  ]);
}

/** Lines for what changes of policies and pin. @param before undefined for a new service */
export function policyLines(before: Service | undefined, after: Service): readonly SummaryLine[] {
  const [was, is] = [before === undefined ? new Map<string, string>() : linesOf(before), linesOf(after)];
  return [...new Set([...was.keys(), ...is.keys()])].flatMap((subject): readonly SummaryLine[] => {
    const [old, now] = [was.get(subject), is.get(subject)];
    if (old === now) return [];
    if (old === undefined) return [{ sign: '+', subject, detail: now ?? '' }];
    return now === undefined
      ? [{ sign: '-', subject, detail: old }]
      : [{ sign: '~', subject, detail: `${old} → ${now}` }];
  });
}
