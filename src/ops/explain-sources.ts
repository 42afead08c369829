/**
 * Owns where explain and verify take the desired state from: the store, or, while it is away, the snapshot that the agent on this machine
 * saved. Says which it was.
 */
import { withoutAway } from '../health/without-away.ts';
import { SluiceError } from '../errors.ts';
import { type Entry, formatEntry } from '../model/entry.ts';
import type { Snapshot } from '../model/snapshot.ts';
import type { EntryRules } from '../rules/ruleset.ts';
import { rulesetOf } from '../rules/ruleset-of.ts';
import { AGENT_RANGE, SERVICES } from '../store/keys.ts';
import { snapshotOf } from '../store/snapshot.ts';
import type { CallOptions, KeyValue, Store } from '../store/store.ts';
import { notFound } from './not-found.ts';
import { readHolders } from './service-state.ts';
import { awayIn, nodesOf, readCluster } from './cluster-read.ts';

/** What the agent of this machine saved. */
export interface SavedItems {
  readonly revision: number;
  readonly savedAt: string;
  readonly items: readonly KeyValue[];
}

/** The desired state and where it is from. */
export interface Desired {
  readonly snapshot: Snapshot;
  /** Undefined: from the store, now. */
  readonly savedAt: string | undefined;
}

/** Where to look. */
export interface Sources {
  readonly store: Store;
  /** Undefined if there is no saved snapshot. */
  readonly readSaved: () => Promise<SavedItems | undefined>;
}

/** `read` on the store, or, if that cannot be reached, the saved snapshot. @throws SluiceError `unavailable` if there is none either */
async function orSaved(sources: Sources, read: () => Promise<Snapshot>): Promise<Desired> {
  try {
    return { snapshot: await read(), savedAt: undefined };
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'unavailable') throw error;
    const saved = await sources.readSaved();
    if (saved === undefined) throw error;
    return { snapshot: snapshotOf(saved.items, saved.revision).snapshot, savedAt: saved.savedAt };
  }
}

/** All services. */
export async function desiredState(sources: Sources, call: CallOptions): Promise<Desired> {
  const { store } = sources;
  return orSaved(sources, async () => {
    const { items, revision } = await store.list(AGENT_RANGE, call);
    return withoutAway(snapshotOf(items, revision).snapshot, awayIn(nodesOf(items).nodes));
  });
}

/** What is to be explained: one entry, or all entries of a service. */
export type Subject =
  { readonly kind: 'entry'; readonly entry: Entry } | { readonly kind: 'service'; readonly service: string };

/** Entries with what the store asks for. */
export interface SubjectState {
  /** Undefined if the store does not know the entry. */
  readonly service: string | undefined;
  /** Rules by entry; `rules` undefined if the store does not know it. */
  readonly entries: readonly { readonly entry: Entry; readonly rules: EntryRules | undefined }[];
  /** Undefined if neither the store nor a saved snapshot could be read. */
  readonly revision: number | undefined;
  readonly savedAt: string | undefined;
}

async function serviceOf(sources: Sources, subject: Subject, call: CallOptions): Promise<Desired> {
  const { store } = sources;
  return orSaved(sources, async () => {
    const service =
      subject.kind === 'service'
        ? subject.service
        : (await readHolders(store, [subject.entry], call)).get(formatEntry(subject.entry))?.service;
    if (service === undefined) return { revision: 0, services: new Map(), instances: new Map() };
    const { snapshot, nodes } = await readCluster(store, { ...call, service });
    return withoutAway(snapshot, awayIn(nodes));
  });
}

/**
 * What is known of a subject. An entry can be explained without any of it; a service cannot.
 * @throws SluiceError `not-found` (a service), `unavailable` (a service, and no saved snapshot), `permission`
 */
export async function subjectState(
  sources: Sources,
  subject: Subject,
  call: CallOptions,
): Promise<SubjectState> {
  let desired: Desired | undefined;
  try {
    desired = await serviceOf(sources, subject, call);
  } catch (error) {
    const isBearable =
      subject.kind === 'entry' && error instanceof SluiceError && error.code === 'unavailable';
    if (!isBearable) throw error;
  }
  const rules = desired === undefined ? [] : rulesetOf(desired.snapshot).entries;
  const about = { revision: desired?.snapshot.revision, savedAt: desired?.savedAt };
  if (subject.kind === 'entry') {
    const text = formatEntry(subject.entry);
    const own = rules.find(({ entry }) => formatEntry(entry) === text);
    return { ...about, service: own?.service, entries: [{ entry: subject.entry, rules: own }] };
  }
  const entries = rules.filter(({ service }) => service === subject.service);
  if (entries.length === 0) {
    throw notFound({
      what: `service ${JSON.stringify(subject.service)}`,
      word: subject.service,
      known: await serviceNames(sources, desired, call),
      command: 'sluice list services',
    });
  }
  return {
    ...about,
    service: subject.service,
    entries: entries.map((own) => ({ entry: own.entry, rules: own })),
  };
}

async function serviceNames(
  { store }: Sources,
  desired: Desired | undefined,
  call: CallOptions,
): Promise<readonly string[]> {
  if (desired?.savedAt !== undefined) return [...desired.snapshot.services.keys()];
  const { items } = await store.list(SERVICES, call);
  return items.map(({ key }) => key.slice(SERVICES.start.length));
}
