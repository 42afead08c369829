/** Owns publishing: specs into services, each in one transaction. */
import { SluiceError } from '../errors.ts';
import { formatEntry } from '../model/entry.ts';
import type { ServiceSpec } from '../model/service.ts';
import { planPublish } from '../plan/publish.ts';
import type { WriteDeps, WriteOptions } from './deps.ts';
import type { Intent } from './prepare.ts';
import { writeAll } from './report.ts';
import type { WriteReport } from './result.ts';

function twice(what: string, service: string): SluiceError {
  return new SluiceError('invalid-spec', `${what} is there twice`, {
    why: `each service and each entry may be in one spec only; the second is in service ${JSON.stringify(service)}`,
    fix: 'remove one of them; nothing was written',
    details: { service, value: what },
  });
}

/** Refuses specs that cannot all be true. */
function refuseRepeats(specs: readonly ServiceSpec[]): void {
  const seen = new Set<string>();
  for (const spec of specs) {
    for (const word of [
      `service ${spec.name}`,
      ...spec.entries.map((entry) => `entry ${formatEntry(entry)}`),
    ]) {
      if (seen.has(word)) throw twice(word, spec.name);
      seen.add(word);
    }
  }
}

/**
 * What each spec wants of its service. A stored record that cannot be read counts as none: publishing is how it is repaired.
 * @throws SluiceError `invalid-spec` if a service or an entry is there twice
 */
export function publishIntents(specs: readonly ServiceSpec[]): readonly Intent[] {
  refuseRepeats(specs);
  return specs.map((spec) => ({
    service: spec.name,
    planFrom: ({ stored, revision }, now) => planPublish({ spec, stored, revision, now }),
  }));
}

/**
 * Creates or updates the services of the specs. Everything is read, planned, checked and consented to before the first write; then
 * each service is written in one transaction, in the order given, but those that take over an entry from another of them come last. A
 * failed service does not stop the others, but an unreachable store, an unknown outcome or an interrupt does.
 * @throws SluiceError before anything was written: `invalid-spec`, `not-confirmed`, `unavailable`, `interrupted`,
 *   `conflict` (an entry is held by another service: details.holder, details.entry; or `ifRevision` does not hold: details.lastChange)
 */
export async function publish(
  deps: WriteDeps,
  specs: readonly ServiceSpec[],
  options: WriteOptions = {},
): Promise<WriteReport> {
  return writeAll(deps, publishIntents(specs), options);
}
