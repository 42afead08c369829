/** Owns what can go wrong before our rules choose an instance: who takes, drops or hides the connection. Pure. */
import type { ExplainFinding } from './finding.ts';
import { NO_INSTANCES, removal, REPAIR, ruleName } from './finding.ts';
import { isGuard } from './guard-findings.ts';
import type { Arrival, Asked, Half } from './journey.ts';
import { isOurs, type LiveTable, placesOf, type Verdict } from './live.ts';
import type { NodeState } from './node-state.ts';
import type { Step } from './walk.ts';
import { formatShare } from '../../model/share.ts';

/** What is looked at. */
export interface Choice {
  readonly entry: string;
  readonly tables: readonly LiveTable[];
  readonly hook: 'prerouting' | 'output';
  readonly half: Half;
  /** Instances that the store asks for; undefined if it was not asked. */
  readonly wanted: number | undefined;
  readonly state: NodeState;
}

const FIRST = 'let Sluice be asked first: restart the agent, which inserts its hook at the head';

const isTurning = (verdict: Verdict): boolean => verdict.kind === 'accept' || verdict.kind === 'return';

const isHarmful = ({ kind }: Verdict): boolean =>
  kind === 'drop' || kind === 'reject' || kind === 'dnat' || kind === 'redirect' || kind === 'unknown';

/** True if the step leads from a foreign chain into ours. */
function isHook(step: Step): boolean {
  return step.verdicts.some(
    (verdict) => (verdict.kind === 'jump' || verdict.kind === 'goto') && isOurs(step.table, verdict.chain),
  );
}

function shareText(share: number): string {
  return share > 0.999_999 ? 'all connections' : `${formatShare(share)} of the connections`;
}

function translated({ entry }: Choice, { by, share, packet }: Arrival): ExplainFinding | undefined {
  if (by === undefined || by.ours) return undefined;
  return {
    severity: 'error',
    code: 'foreign-translation',
    text: `${ruleName(by)} takes ${shareText(share)} to ${entry} before Sluice's rules, to ${packet.destination}:${packet.port}`,
    fix: removal(by, FIRST),
  };
}

/** A foreign ACCEPT or RETURN that ends the base chain before our hook in it. */
function hidden(asked: Asked): readonly ExplainFinding[] {
  const { place, walk } = asked;
  const isShared = place.base.type === 'nat' && !isOurs(place.table, place.base.chain);
  const hooks = place.table.chains.get(place.base.chain)?.rules() ?? [];
  const holdsHook = hooks.some(({ text }) => / -[jg] SLUICE-/.test(text));
  if (!isShared || !holdsHook || walk.steps.some((step) => isHook(step) && step.share > 0.999_999)) return [];
  return walk.steps
    .filter((step) => !step.ours && !step.isMaybe && step.verdicts.some(isTurning))
    .filter(
      ({ chain, verdicts }) => chain === place.base.chain || verdicts.some(({ kind }) => kind === 'accept'),
    )
    .map((step) => ({
      severity: 'error',
      code: 'foreign-verdict',
      text: `${ruleName(step)} lets ${shareText(step.share)} pass before Sluice's hook in ${place.base.chain}: they are not forwarded`,
      fix: removal(step, FIRST),
    }));
}

function notTracked({ half: { asked, arrivals } }: Choice): readonly ExplainFinding[] {
  const share = arrivals.filter(({ packet }) => !packet.tracked).reduce((sum, each) => sum + each.share, 0);
  if (share === 0) return [];
  const steps = asked.flatMap(({ walk }) => walk.steps);
  const by = steps.find(({ rule }) => rule !== undefined && /notrack/i.test(rule.text));
  if (by === undefined) return [];
  return [
    {
      severity: 'error',
      code: 'notrack',
      text: `${ruleName(by)} keeps ${shareText(share)} out of connection tracking: no NAT rule sees them`,
      fix: removal(by, 'exempt the entry from it with a RETURN before it'),
    },
  ];
}

/** Without rules and without our route to the entry a machine is no node: it sends to its gateway like any client. */
function noRules({ origin, entryRoute }: NodeState, entry: string): ExplainFinding {
  if (origin.kind === 'node' && entryRoute.kind === 'via' && entryRoute.gateway !== undefined) {
    return {
      severity: 'warn',
      code: 'no-rules',
      text: `no agent forwards on this machine: its connections to ${entry} go to ${entryRoute.gateway} as they are`,
      fix: `run it on the node behind that address: sluice explain ${entry} --from ${origin.source ?? 'ADDRESS'}`,
    };
  }
  return { severity: 'error', code: 'no-rules', text: 'this node has no rules of Sluice', fix: REPAIR };
}

/** Where nothing leads to our chains, one line; undefined if something does. */
function missingHook(tables: readonly LiveTable[], hook: Choice['hook']): string | undefined {
  const native = tables.filter((table) => table.owner === 'nft' && isOurs(table, '') && !isGuard(table));
  const [own] = native;
  const bases = placesOf(native, hook).filter(({ base }) => base.type === 'nat');
  const leads = bases.some(({ table, base }) => (table.chains.get(base.chain)?.rules() ?? []).length > 0);
  const chain = hook === 'prerouting' ? 'PREROUTING' : 'OUTPUT';
  const hooks = tables
    .filter(({ name, owner }) => name === 'nat' && owner !== 'nft')
    .flatMap((table) => table.chains.get(chain)?.rules() ?? []);
  if (leads || hooks.some(({ text }) => / -[jg] SLUICE-/.test(text))) return undefined;
  return own === undefined
    ? `nothing in ${chain} of the nat table leads to Sluice's chains: the hook is missing`
    : `nothing in ${hook} of ${own.title} leads to Sluice's chains: the hook is missing`;
}

/** Our rules are missing, or nothing leads to them. */
function unhooked({ tables, hook, half, entry, wanted, state }: Choice): readonly ExplainFinding[] {
  const ours = tables.filter(
    (table) => !isGuard(table) && [...table.chains.keys()].some((chain) => isOurs(table, chain)),
  );
  const about = { severity: 'error', fix: REPAIR } as const;
  if (ours.length === 0) return [noRules(state, entry)];
  const missing = missingHook(tables, hook);
  if (missing !== undefined) return [{ ...about, code: 'missing-hook', text: missing }];
  const steps = half.asked.flatMap(({ walk }) => walk.steps);
  const seen =
    steps.some((step) => isHook(step)) ||
    half.asked.some(({ place }) => isOurs(place.table, place.base.chain));
  const missed = half.arrivals.some(({ packet }) => packet.tracked && !packet.translated);
  if (!seen || !missed) return [];
  if (wanted === 0) {
    const text = `the service of ${entry} has no usable instance: nothing forwards it`;
    return [{ severity: 'error', code: 'no-instances', text, fix: NO_INSTANCES }];
  }
  return [{ ...about, code: 'no-entry-rule', text: `no rule of Sluice on this node forwards ${entry}` }];
}

/** A rule that may take or drop the connection, no more is known. */
export function maybeFindings(asked: readonly Asked[]): readonly ExplainFinding[] {
  const steps = asked.flatMap(({ place, walk }) =>
    walk.steps.filter(
      ({ ours, isMaybe, verdicts }) =>
        !ours &&
        verdicts.some((verdict) =>
          isMaybe
            ? isHarmful(verdict) ||
              (isTurning(verdict) && place.base.type === 'nat' && place.base.priority < 0)
            : verdict.kind === 'unknown',
        ),
    ),
  );
  return steps.map((step) => ({
    severity: 'warn',
    code: 'may-block',
    text: `${ruleName(step)} may take some connections: ${step.unknown.length === 0 ? 'what it does' : step.unknown.join(' ')} cannot be evaluated from here`,
    fix: step.rule === undefined ? 'look at it' : `look at it; it is removed by: ${step.rule.remove}`,
  }));
}

/** Everything about the way to our rules. */
export function choiceFindings(choice: Choice): readonly ExplainFinding[] {
  const { half, entry } = choice;
  const foreign = half.arrivals.flatMap((arrival) => translated(choice, arrival) ?? []);
  const turned = half.asked.flatMap(hidden);
  const untracked = notTracked(choice);
  const lost = half.losses.map((loss): ExplainFinding => {
    const does = loss.verdict.kind === 'reject' ? 'refuses' : 'drops';
    if (loss.by.ours) {
      return {
        severity: 'error',
        code: 'no-instances',
        text: `Sluice ${does} ${shareText(loss.share)} to ${entry}: the service has no usable instance (${ruleName(loss.by)})`,
        fix: NO_INSTANCES,
      };
    }
    return {
      severity: 'error',
      code: 'blocked',
      text: `${ruleName(loss.by)} ${does} ${shareText(loss.share)} to ${entry}`,
      fix: removal(loss.by, 'accept the entry before it'),
    };
  });
  const known = [...foreign, ...turned, ...untracked, ...lost];
  const missing = known.some(({ code }) => code !== 'no-instances') ? [] : unhooked(choice);
  return [...known, ...missing, ...maybeFindings(half.asked)];
}
