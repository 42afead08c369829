/**
 * Owns what publish looks at before it writes, beside what the store itself refuses: entries on addresses of nodes, in networks of
 * nodes, on sockets of this machine. Says what was hardly meant; refuses what cannot work.
 */
import { SluiceError } from '../errors.ts';
import { type Entry, formatEntry } from '../model/entry.ts';
import type { NodeFacts } from '../model/node.ts';
import type { ServiceSpec } from '../model/service.ts';
import { serviceWarnings } from '../model/service-rules.ts';
import { isInNetwork } from '../model/network.ts';
import { NODES } from '../store/keys.ts';
import type { CallOptions, Store } from '../store/store.ts';
import { nodesOf } from './cluster-read.ts';
import { readHolders } from './service-state.ts';

/** What of the publishing machine matters. */
export interface PublishingMachine {
  readonly addresses: readonly string[];
  /** Sockets that listen, or take datagrams, on one address: canonical text of entries. */
  readonly listening: ReadonlySet<string>;
}

interface Found {
  readonly entry: Entry;
  readonly node: string;
}

function onNodes(entries: readonly Entry[], facts: readonly NodeFacts[]): readonly Found[] {
  return entries.flatMap((entry) => {
    const node = facts.find(({ addresses }) => addresses.includes(entry.ip));
    return node === undefined ? [] : [{ entry, node: node.name }];
  });
}

/** An entry on a node's own address would take the port from that node's programs, and get no route on that node. */
function onNodeAddress(service: string, { entry, node }: Found): SluiceError {
  return new SluiceError(
    'invalid-spec',
    `service '${service}': entry ${formatEntry(entry)} is on an address of node/${node}`,
    {
      why: `${entry.ip} is node/${node} itself: that node's own programs and agent could not tell the two apart`,
      fix: 'take an address that no machine has, for example from 10.96.0.0/16',
      details: { service, entry: formatEntry(entry), node, field: 'entries' },
    },
  );
}

/** What is allowed but hardly meant of one entry. */
function entryWarnings(
  entry: Entry,
  facts: readonly NodeFacts[],
  { machine, isAnnounced }: { readonly machine: PublishingMachine; readonly isAnnounced: boolean },
): readonly string[] {
  const text = formatEntry(entry);
  if (machine.listening.has(text))
    return [
      `a program on this machine listens on ${text} itself: connections to the entry will not reach it`,
    ];
  if (machine.addresses.includes(entry.ip))
    return [
      `${text} is on an address of this machine: its own port ${entry.port} goes to the service wherever an agent runs`,
    ];
  for (const { name, networks = [] } of facts) {
    const network = networks.find((each) => isInNetwork(entry.ip, each) === true);
    if (network === undefined) continue;
    if (isAnnounced) return [];
    return [
      `${text} lies in ${network}, the network of node/${name}: neighbours ask for it by ARP, and no machine answers; only nodes with an agent reach it (--announce has a node answer)`,
    ];
  }
  if (isAnnounced && facts.length > 0)
    return [`${text} lies in no network of a node: nobody can answer neighbours for it`];
  return [];
}

/**
 * Looks at specs before they are published.
 * @returns warnings, one line each
 * @throws SluiceError `invalid-spec` if a new entry is on an address of a node, `unavailable`, `permission`
 */
export async function checkSpecs(
  store: Store,
  specs: readonly ServiceSpec[],
  options: CallOptions & { readonly machine: PublishingMachine },
): Promise<readonly string[]> {
  const { machine, ...call } = options;
  const { items } = await store.list(NODES, call);
  const facts = [...nodesOf(items).nodes.facts.values()];
  const warnings: string[] = [];
  for (const spec of specs) {
    const clashes = onNodes(spec.entries, facts);
    const holders = await readHolders(
      store,
      clashes.map(({ entry }) => entry),
      call,
    );
    for (const clash of clashes) {
      // Held already: it was published before the node came, and the service must stay changeable.
      if (holders.get(formatEntry(clash.entry))?.service !== spec.name) throw onNodeAddress(spec.name, clash);
      warnings.push(
        `${formatEntry(clash.entry)} is on an address of node/${clash.node}: move it to one that no machine has`,
      );
    }
    const lines = [
      ...serviceWarnings(spec),
      ...spec.entries
        .filter((entry) => !clashes.some((clash) => clash.entry === entry))
        .flatMap((entry) => entryWarnings(entry, facts, { machine, isAnnounced: spec.announce === true })),
    ];
    warnings.push(...lines.map((line) => (specs.length === 1 ? line : `service/${spec.name}: ${line}`)));
  }
  return warnings;
}
