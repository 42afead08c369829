/** Owns what people set of a node: cordoned and drain. The node's agent and its facts are not touched. */
import { SluiceError } from '../errors.ts';
import type { DrainOrder } from '../model/assignment.ts';
import type { NodeFacts } from '../model/node.ts';
import { encodeAudit } from '../model/records-audit.ts';
import { decodeNode, encodeNodeOrders } from '../model/records-node.ts';
import { isSameOrder } from '../plan/drain.ts';
import { auditKey, nodeKey, NODES } from '../store/keys.ts';
import type { KeyValue, Transaction } from '../store/store.ts';
import type { ReadDeps, WriteDeps, WriteOptions } from './deps.ts';
import { notFound } from './not-found.ts';
import { checkInterrupted } from './prepare.ts';

/** How often a write is tried against the agent and other people. */
const MAX_ATTEMPTS = 5;
const BACKOFF_MS = 20;

/** What to do to a node. */
export type NodeChange =
  | { readonly kind: 'cordon' }
  | { readonly kind: 'uncordon' }
  | { readonly kind: 'drain'; readonly order: DrainOrder }
  | { readonly kind: 'restore' };

/** What became, or would become, of a node. */
export interface NodeResult {
  readonly node: string;
  readonly outcome: 'cordoned' | 'uncordoned' | 'drained' | 'restored' | 'unchanged';
  /** Revision of the write; for `unchanged` that of the node's last change. */
  readonly revision: number;
  readonly requestId: string | undefined;
  readonly cordoned: boolean;
  readonly drain: DrainOrder | undefined;
}

type Orders = Pick<NodeFacts, 'cordoned' | 'drain'>;

const OUTCOME = {
  cordon: 'cordoned',
  uncordon: 'uncordoned',
  drain: 'drained',
  restore: 'restored',
} as const;

/** The orders after a change; undefined: it is so already. */
function ordersAfter({ cordoned, drain }: Orders, change: NodeChange): Orders | undefined {
  switch (change.kind) {
    case 'cordon':
      return cordoned === true ? undefined : { cordoned: true, drain };
    case 'uncordon':
      return cordoned === true ? { drain } : undefined;
    case 'restore':
      return drain === undefined ? undefined : { cordoned };
    case 'drain':
      return isSameOrder(drain, change.order) ? undefined : { cordoned, drain: change.order };
  }
  return change satisfies never;
}

async function readNode(
  { store }: ReadDeps,
  name: string,
  { ifRevision, signal }: Pick<WriteOptions, 'ifRevision' | 'signal'>,
): Promise<KeyValue> {
  const { item } = await store.get(nodeKey(name), { signal });
  if (item === undefined) {
    const { items } = await store.list(NODES, { signal });
    throw notFound({
      what: `node ${JSON.stringify(name)}`,
      word: name,
      known: items.map(({ key }) => key.slice(NODES.start.length)),
      command: 'sluice node list',
    });
  }
  if (ifRevision === undefined || item.modRevision <= ifRevision) return item;
  throw new SluiceError('conflict', `node ${JSON.stringify(name)} was changed after revision ${ifRevision}`, {
    why: `it was last written at revision ${item.modRevision}`,
    fix: `look at it (sluice describe node/${name}) and repeat with --if-revision ${item.modRevision}`,
    details: { node: name, expected: ifRevision, revision: item.modRevision },
  });
}

/** What a change would make of a node. @throws SluiceError `not-found`, `conflict`, `unavailable` */
export async function planNodeChange(
  deps: ReadDeps,
  { node, change }: { readonly node: string; readonly change: NodeChange },
  options: Pick<WriteOptions, 'ifRevision' | 'signal'> = {},
): Promise<NodeResult & { readonly item: KeyValue }> {
  const item = await readNode(deps, node, options);
  const { cordoned, drain } = decodeNode(node, item.value).value;
  const after = ordersAfter({ cordoned, drain }, change);
  const orders = after ?? { cordoned, drain };
  return {
    node,
    outcome: after === undefined ? 'unchanged' : OUTCOME[change.kind],
    revision: item.modRevision,
    requestId: undefined,
    cordoned: orders.cordoned === true,
    drain: orders.drain,
    item,
  };
}

function transactionOf(
  deps: WriteDeps,
  planned: NodeResult & { readonly item: KeyValue },
  reason: string | undefined,
): Transaction & { readonly requestId: string } {
  const { item, node, outcome } = planned;
  const requestId = deps.newId();
  const at = deps.clock.now().toISOString();
  const requestKey = auditKey(at, requestId);
  const { raw } = decodeNode(node, item.value);
  const audit = { at, requestId, ...deps.origin, reason, subject: `node/${node}`, outcome };
  return {
    requestId,
    requestKey,
    compares: [{ kind: 'mod-revision', key: item.key, equals: item.modRevision }],
    operations: [
      { kind: 'put', key: item.key, value: encodeNodeOrders(planned, raw) },
      { kind: 'put', key: requestKey, value: encodeAudit(audit) },
    ],
  };
}

/**
 * Changes what people set of a node, with an audit record.
 * @throws SluiceError `not-found`, `conflict`, `unavailable`, `unknown`, `interrupted`
 */
export async function changeNode(
  deps: WriteDeps,
  wanted: { readonly node: string; readonly change: NodeChange },
  options: WriteOptions = {},
): Promise<NodeResult> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    checkInterrupted(options.signal);
    const { item, ...planned } = await planNodeChange(deps, wanted, options);
    if (planned.outcome === 'unchanged') return planned;
    const { requestId, ...transaction } = transactionOf(deps, { ...planned, item }, options.reason);
    const result = await deps.store.transact(transaction);
    if (result.kind === 'done') return { ...planned, revision: result.revision, requestId };
    await deps.clock.sleep(BACKOFF_MS * 2 ** attempt * (0.5 + deps.random()), options.signal);
  }
  throw new SluiceError('conflict', `node ${wanted.node} changed under each of ${MAX_ATTEMPTS} attempts`, {
    why: 'its agent or somebody else wrote it at the same time',
    fix: 'nothing was written: try again',
    details: { node: wanted.node, attempts: MAX_ATTEMPTS },
  });
}
