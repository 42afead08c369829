/** Owns the errors of writes that others got ahead of: they say who. */
import { SluiceError } from '../errors.ts';
import { type Entry, formatEntry } from '../model/entry.ts';
import type { CallOptions } from '../store/store.ts';
import type { ReadDeps } from './deps.ts';
import { formatChange, lastChangeOf, lastDeletionOf } from './last-change.ts';
import type { Holder, ServiceState } from './service-state.ts';

/** An entry that another service holds: trying again does not help. */
export function entryTaken(entry: Entry, service: string, holder: Holder): SluiceError {
  const text = formatEntry(entry);
  const by =
    holder.service === '' ? 'a claim that cannot be read' : `service ${JSON.stringify(holder.service)}`;
  return new SluiceError('conflict', `entry ${text} is held by ${by}`, {
    why: `an entry belongs to one service at a time; it was claimed at revision ${holder.modRevision}`,
    fix:
      holder.service === ''
        ? `look at the key entry/${text}`
        : `choose another entry for ${service}, or take it from its holder first: sluice describe ${holder.service}`,
    details: { entry: text, service, holder: holder.service, revision: holder.modRevision },
  });
}

async function whoChanged(
  deps: ReadDeps,
  state: ServiceState,
  options: CallOptions,
): Promise<Record<string, unknown> & { readonly why: string }> {
  const { name, modRevision } = state;
  const service = state.stored?.service;
  const change =
    modRevision === 0
      ? await lastDeletionOf(deps.store, name, { ...options, now: deps.clock.now() })
      : service && (await lastChangeOf(deps.store, service, options));
  if (change !== undefined) return { why: formatChange(change), lastChange: change };
  const now = modRevision === 0 ? 'it does not exist now' : `it was last written at revision ${modRevision}`;
  return { why: `${now}; the audit trail does not say by whom` };
}

/**
 * Checks `--if-revision` against what was read.
 * @throws SluiceError `conflict` naming who wrote last
 */
export async function checkIfRevision(
  deps: ReadDeps,
  state: ServiceState,
  options: CallOptions & { readonly ifRevision: number | undefined },
): Promise<void> {
  const { ifRevision, ...call } = options;
  const { name, modRevision, revision } = state;
  if (ifRevision === undefined) return;
  if (
    ifRevision === 0
      ? modRevision === 0
      : modRevision > 0 && modRevision <= ifRevision && ifRevision <= revision
  )
    return;
  const details = { service: name, expected: ifRevision, revision: modRevision };
  if (ifRevision > revision) {
    throw new SluiceError('conflict', `revision ${ifRevision} is later than the store's ${revision}`, {
      why: 'nothing can have been read at a revision that is yet to come; the store may have been set back',
      fix: `sluice describe ${name} shows the present revision`,
      details: { ...details, storeRevision: revision },
    });
  }
  const what =
    ifRevision === 0
      ? 'exists already'
      : modRevision === 0
        ? 'does not exist any more'
        : `was changed after revision ${ifRevision}`;
  const { why, ...facts } = await whoChanged(deps, state, call);
  throw new SluiceError('conflict', `service ${JSON.stringify(name)} ${what}`, {
    why,
    fix: `look at it (sluice describe ${name}) and repeat with --if-revision ${modRevision}`,
    details: { ...details, ...facts },
  });
}

/** A write that lost against others on every attempt. */
export async function attemptsExhausted(
  deps: ReadDeps,
  state: ServiceState,
  options: CallOptions & { readonly attempts: number },
): Promise<SluiceError> {
  const { attempts, ...call } = options;
  const { why, ...facts } = await whoChanged(deps, state, call);
  return new SluiceError(
    'conflict',
    `service ${JSON.stringify(state.name)} changed under each of ${attempts} attempts`,
    {
      why,
      fix: 'nothing was written: try again',
      details: { service: state.name, revision: state.modRevision, attempts, ...facts },
    },
  );
}
