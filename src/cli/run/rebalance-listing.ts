/** Owns showing what a rebalance does or would do: one item a move, a change of weights, or a service that is left alone. */
import { formatPercent } from '../../model/percent.ts';
import { formatShare } from '../../model/share.ts';
import type { RebalancePlan, WeightChange } from '../../monitor/rebalance.ts';
import type { Listing } from '../output/listing.ts';

type Move = RebalancePlan['moves'][number];

/** What became of an item. */
export type Outcome = 'planned' | 'written' | 'skipped' | 'left-alone';

/** One line of the result; field names are stable. */
export interface RebalanceItem {
  readonly kind: 'move' | 'weights' | 'nothing';
  readonly outcome: Outcome;
  readonly service: string;
  readonly instance?: string;
  readonly from?: string;
  readonly to?: string;
  readonly reason?: Move['reason'];
  /** Fraction by which the fuller of the two nodes gets less full. */
  readonly gain?: number;
  /** By instance id, 0 to 1; null: they are those that people set again. */
  readonly shares?: Readonly<Record<string, number>> | null;
  readonly why: string;
  readonly revision?: number;
}

/** A move, as it is planned. */
export function moveItem({ id, gain, ...move }: Move): RebalanceItem {
  return { kind: 'move', outcome: 'planned', ...move, instance: id, gain: Math.round(gain * 1_000) / 1_000 };
}

/** A change of weights, as it is planned. */
export function weightsItem({ service, action }: WeightChange): RebalanceItem {
  const { weights } = action;
  const common = { kind: 'weights', outcome: 'planned', service } as const;
  if (weights === undefined) return { ...common, shares: null, why: action.why ?? action.what };
  const all = [...weights.weights.values()].reduce((sum, { weight }) => sum + weight, 0);
  const shares = [...weights.weights].map(([id, { weight }]) => [id, all === 0 ? 0 : weight / all] as const);
  return { ...common, shares: Object.fromEntries(shares), why: weights.why };
}

/** Services that are left alone. */
export const leftAloneItems = ({ leftAlone }: RebalancePlan): readonly RebalanceItem[] =>
  leftAlone.map(({ service, why }) => ({ kind: 'nothing', outcome: 'left-alone', service, why }));

function whatOf(item: RebalanceItem): string {
  if (item.kind === 'move') {
    const gain = item.reason === 'load' ? `, ${formatPercent(item.gain ?? 0)} less` : '';
    return `${item.instance ?? ''} from node/${item.from ?? ''} to node/${item.to ?? ''} (${item.reason ?? ''}${gain})`;
  }
  if (item.shares === null) return 'weights as people set them';
  const shares = Object.entries(item.shares ?? {}).map(([id, share]) => `${id} ${formatShare(share)}`);
  return `weights ${shares.join(', ')}`;
}

const VERBS: Readonly<Record<RebalanceItem['kind'], Readonly<Record<Outcome, string>>>> = {
  move: { planned: 'would move', written: 'moves', skipped: 'does not move', 'left-alone': '' },
  weights: { planned: 'would get', written: 'gets', skipped: 'does not get', 'left-alone': '' },
  nothing: { planned: '', written: '', skipped: '', 'left-alone': 'is left alone' },
};

/** `service/web moves i7 from node/n1 to node/n3 (spread): node/n1 has 3 of web, node/n3 1`. */
export function itemText(item: RebalanceItem): string {
  const verb = VERBS[item.kind][item.outcome];
  return `service/${item.service} ${verb}${item.kind === 'nothing' ? '' : ` ${whatOf(item)}`}: ${item.why}`;
}

/** The result in every format; for people only what is or would be done. @param more lines for people after it */
export function rebalanceListing(
  plan: Pick<RebalancePlan, 'revision'>,
  items: readonly RebalanceItem[],
  more: readonly string[],
): Listing<RebalanceItem> {
  const shown = items.filter(({ kind }) => kind !== 'nothing').map(itemText);
  return {
    kind: 'RebalanceList',
    revision: plan.revision,
    items,
    name: ({ service }) => `service/${service}`,
    json: (item) => item,
    columns: [],
    text: () => [...shown, ...more].map((line) => `${line}\n`).join(''),
  };
}
