/** Owns the shape of what explain holds against a node, and words that all findings share. Pure. */
import type { RuleRef } from './walk.ts';

/** Stable words for programs. */
export type FindingCode =
  | 'no-rules'
  | 'missing-hook'
  | 'no-entry-rule'
  | 'no-instances'
  | 'foreign-translation'
  | 'foreign-verdict'
  | 'blocked'
  | 'notrack'
  | 'may-block'
  | 'no-route'
  | 'entry-route'
  | 'no-forwarding'
  | 'reverse-path'
  | 'route-localnet'
  | 'return-path'
  | 'guard-missing'
  | 'guard-blocks'
  | 'both-variants'
  | 'missing-instance'
  | 'stale-instance'
  | 'wrong-share'
  | 'not-read';

/** Something that keeps connections from where they should go, or may. */
export interface ExplainFinding {
  /** `error`: connections are lost or go elsewhere; `warn`: they may. */
  readonly severity: 'error' | 'warn';
  readonly code: FindingCode;
  readonly text: string;
  readonly fix: string;
}

/** How to get our own rules back. */
export const REPAIR =
  'the agent repairs its rules when it starts and on SIGHUP: is it running? (sluice status); by hand: sluice agent --once';

/** How to get connections of a service without usable instances answered. */
export const NO_INSTANCES = 'add an instance, or give one a weight above 0: sluice instance add|set';

/** A rule for people: the place and its text. */
export function ruleName({ table, chain, rule }: RuleRef): string {
  if (rule === undefined) return `the policy of ${chain} in ${table.title}`;
  const text = rule.text.startsWith('-A ') ? rule.text : `${chain}: ${rule.text}`;
  return `"${text}" in ${table.title}`;
}

/** How to get rid of a rule, or of a policy. */
export function removal({ table, chain, rule }: RuleRef, instead: string): string {
  if (rule !== undefined) return `remove it: ${rule.remove}; or ${instead}`;
  if (table.owner === 'nft')
    return `let the connections pass in chain ${chain} of ${table.title}; or ${instead}`;
  return instead;
}
