/** Owns what all changes through the REST API share: consent, previews, answers. Must not know single operations. */
import { envelope } from '../../ops/envelope.ts';
import { changeItems, nodeChangeItem, NOTHING_FOUND, planItem } from '../../ops/change-json.ts';
import type { NodeResult } from '../../ops/change-node.ts';
import type { WriteDeps, WriteOptions } from '../../ops/deps.ts';
import { reportOfOne, type WriteReport, type WriteResult } from '../../ops/result.ts';
import { type ConsentWords, notConfirmed } from '../../plan/guard.ts';
import type { Plan } from '../../plan/plan.ts';
import type { Answer } from '../http/route.ts';

/** Words of a change's query. */
export interface ChangeWords {
  readonly dryRun?: boolean | undefined;
  readonly ifRevision?: number | undefined;
  readonly reason?: string | undefined;
}

/** An act, and which of its plans need consent. */
export interface Act {
  /** e.g. `scaling` */
  readonly doing: string;
  readonly because: (plan: Plan) => string;
  /** The word of the query that consents. */
  readonly word: 'yes' | 'replace';
  readonly given: boolean | undefined;
  /** The plan with what it takes away, if that needs consent. */
  readonly needs: (plan: Plan) => Plan | undefined;
}

/** What a use case asks before it writes: refuses what was not consented to. */
function confirmBy(act: Act): NonNullable<WriteOptions['confirm']> {
  return async (plans) => {
    const plan = act.given === true ? undefined : plans.flatMap((one) => act.needs(one) ?? [])[0];
    if (plan === undefined) return Promise.resolve();
    const { doing, word } = act;
    const words: ConsentWords = { doing, because: act.because(plan), flag: `the query ${word}=true` };
    throw notConfirmed(plan, words);
  };
}

/** Any narrowing needs consent. */
export const ifNarrowing = (plan: Plan): Plan | undefined => (plan.narrowing.length > 0 ? plan : undefined);

/** Options of a use case that writes. */
export function optionsFrom({ ifRevision, reason }: ChangeWords, act?: Act): WriteOptions {
  return { ifRevision, reason, ...(act === undefined ? {} : { confirm: confirmBy(act) }) };
}

/**
 * A list of changes as an answer.
 * @throws the report's error: of several services, those that were written stand
 */
export function reportAnswer(report: WriteReport): Answer {
  if (report.error !== undefined) throw report.error;
  const items = changeItems(report, NOTHING_FOUND);
  return { kind: 'json', value: envelope('ChangeList', report.revision, items) };
}

/** One change as an answer. */
export const changeAnswer = (result: WriteResult): Answer => reportAnswer(reportOfOne(result));

/** What became of a node, or would, as an answer. */
export function nodeAnswer(result: NodeResult, dryRun: boolean): Answer {
  const items = [nodeChangeItem(result, dryRun)];
  return { kind: 'json', value: envelope('ChangeList', result.revision, items) };
}

/** A preview as an answer, with the request that applies just what it shows. */
export function planAnswer(plan: Plan, { origin }: WriteDeps, act?: Act): Answer {
  const consent = act?.needs(plan) === undefined ? [] : [`${act.word}=true`];
  const base = plan.outcome === 'created' ? 0 : plan.baseRevision;
  const request = `${origin.command}?${[...consent, `ifRevision=${base}`].join('&')}`;
  const items = [{ ...planItem(plan, request) }];
  return { kind: 'json', value: envelope('PlanList', plan.baseRevision, items) };
}
