/** Owns what the guard has to do with an explanation: that it is missing, and what it does with connections that nobody translated. Pure. */
import { GUARD_TABLE } from '../guard/guard-text.ts';
import { type ExplainFinding, REPAIR } from './finding.ts';
import type { Loss } from './journey.ts';
import { isOurs, type LiveTable } from './live.ts';
import type { RuleRef } from './walk.ts';

const [, NAME] = GUARD_TABLE.split(' ');

/** True for the guard's table. */
export const isGuard = ({ owner, name }: LiveTable): boolean => owner === 'nft' && name === NAME;

/** True for the rules by which the guard refuses what has no instance. */
export const isRefusal = ({ table, chain }: RuleRef): boolean => isGuard(table) && chain === 'refuse';

/** A node with rules of ours and without a guard. */
export function guardFindings(tables: readonly LiveTable[]): readonly ExplainFinding[] {
  const hasRules = tables.some(
    (table) => !isGuard(table) && [...table.chains.keys()].some((chain) => isOurs(table, chain)),
  );
  if (!hasRules || tables.some(isGuard)) return [];
  return [
    {
      severity: 'warn',
      code: 'guard-missing',
      text: `the guard is missing (table ${GUARD_TABLE}): connections break when somebody flushes the nat table, and entries without instances are not refused at once`,
      fix: `${REPAIR}; it needs the program nft`,
    },
  ];
}

/** What is said of connections that nobody translates, with what the guard does with them. */
export function withGuard(
  findings: readonly ExplainFinding[],
  losses: readonly Loss[],
): readonly ExplainFinding[] {
  const [loss] = losses.filter(({ by, packet }) => isGuard(by.table) && !packet.translated);
  if (loss === undefined) return findings;
  const does = loss.verdict.kind === 'reject' ? 'refuses' : 'drops';
  const rest = `; the guard ${does} what is not translated (chain ${loss.by.chain} of ${GUARD_TABLE})`;
  return findings.map((finding) =>
    finding.code === 'may-block' ? finding : { ...finding, text: `${finding.text}${rest}` },
  );
}
