/** Owns the body of `verify`. */
import { type AgentFacts, readInstalled } from '../../dataplane/live/installed.ts';
import { type ResultCode, SluiceError } from '../../errors.ts';
import { readAgentStatus } from '../../host/agent-status.ts';
import { verify, type VerifyItem, type VerifyReport } from '../../ops/verify.ts';
import type { Difference } from '../../rules/verify/comparison.ts';
import type { VerifyFlags } from '../commands/verify.ts';
import { savedItems } from '../node-reader.ts';
import { DEFAULT_STATE_DIR } from '../options.ts';
import { type Listing, writeListing } from '../output/listing.ts';
import { readDeps, type Session } from '../session.ts';
import { serviceNamed } from './unpublish.ts';

const SHARED = 'shared by all';
const SPREAD: Readonly<Record<VerifyItem['spread'], string>> = {
  fits: 'fits',
  off: 'does not fit',
  'too-few': 'too few to tell',
  unsampled: 'needs --sample',
  clients: 'by client',
  single: '-',
};

/** A part of the kernel in words. */
const PART: Readonly<Record<Difference['part'], string>> = {
  rules: 'rules differ',
  leftovers: 'rules of another layout are left',
  guard: 'the guard differs',
  forwarding: 'FORWARD differs',
  routes: 'routes to entries differ',
};

function rulesText({ differences }: VerifyItem): string {
  const [first] = differences;
  if (first === undefined) return 'ok';
  const [missing] = first.missing;
  const example = missing === undefined ? `unwanted: ${first.unwanted[0] ?? ''}` : `missing: ${missing}`;
  const count = differences.length === 1 ? '1 difference' : `${differences.length} differences`;
  return `${count}, ${first.chain}, ${example}`;
}

function listingOf(report: VerifyReport): Listing<VerifyItem> {
  return {
    kind: 'VerificationList',
    revision: report.revision,
    items: report.items,
    name: ({ service }) => (service === null ? 'rules' : `service/${service}`),
    json: (item) => ({ layout: report.layout, ...item }),
    columns: [
      { name: 'SERVICE', cell: ({ service }) => service ?? SHARED },
      {
        name: 'CONNECTIONS',
        cell: ({ connections }) => String(connections),
        order: ({ connections }) => connections,
      },
      { name: 'P', cell: ({ p }) => (p === null ? '-' : p.toPrecision(2)), order: ({ p }) => p ?? 2 },
      {
        name: 'SPREAD',
        cell: ({ spread }) => SPREAD[spread],
        paint: ({ spread }) => (spread === 'off' ? 'bad' : undefined),
      },
      {
        name: 'RULES',
        cell: rulesText,
        paint: ({ rules }) => (rules === 'ok' ? 'good' : 'bad'),
      },
    ],
  };
}

const few = (names: readonly string[]): string =>
  names.length <= 10 ? names.join(', ') : `${names.slice(0, 10).join(', ')} and ${names.length - 10} more`;

/** What differs, one phrase a part. */
function differingText(items: readonly VerifyItem[]): readonly string[] {
  const parts = new Map<Difference['part'], Set<string>>();
  for (const { service, differences } of items) {
    for (const { part, chain } of differences) {
      parts.set(part, (parts.get(part) ?? new Set()).add(service ?? chain));
    }
  }
  return [...parts].map(([part, names]) => `${PART[part]}: ${few([...names])}`);
}

const NO_RULES = {
  why: 'this machine has no rules of Sluice at all: no agent forwards here',
  fix: 'run verify on a node (sluice list nodes), or make this machine one: sluice agent',
};

function problem(report: VerifyReport): SluiceError {
  const { items } = report;
  const differences = items.flatMap((item) => item.differences);
  const off = items.filter(({ spread }) => spread === 'off').map(({ service }) => service ?? '');
  const differing = items.filter(({ rules }) => rules === 'differ').map(({ service }) => service ?? SHARED);
  const spread = off.length === 0 ? [] : [`connections are not spread by the shares: ${few(off)}`];
  return new SluiceError('unhealthy', 'the kernel is not as the store asks for', {
    why: report.isNode ? [...differingText(items), ...spread].join('; ') : NO_RULES.why,
    fix: report.isNode
      ? (differences[0]?.fix ?? 'sluice explain SERVICE shows what stands in the way of some instances')
      : NO_RULES.fix,
    details: { differing, off },
  });
}

/** What the agent says of itself; a damaged file says nothing, and the rules are looked at without it. */
async function agentFacts(stateDir: string): Promise<AgentFacts | undefined> {
  try {
    return await readAgentStatus(stateDir);
  } catch (error) {
    if (error instanceof SluiceError && error.code === 'failed') return undefined;
    throw error;
  }
}

/** Verifies. */
export async function verifyBody(
  session: Session,
  service: string | undefined,
  flags: VerifyFlags,
): Promise<ResultCode> {
  const stateDir = flags.stateDir ?? DEFAULT_STATE_DIR;
  const deps = {
    ...(await readDeps(session)),
    readSaved: async () => savedItems(stateDir),
    readInstalled: async () => readInstalled(session.deps.exec, await agentFacts(stateDir)),
  };
  const report = await verify(deps, {
    service: service === undefined ? undefined : serviceNamed(service),
    sampleMs: flags.sample,
    signal: session.signal,
  });
  if (report.savedAt !== undefined)
    session.notes.warn(`the store is unreachable: compared with what the agent saved at ${report.savedAt}`);
  const isWell = report.rulesOk && report.spreadOk;
  if (!(session.settings.quiet && isWell)) await writeListing(session, listingOf(report), flags);
  if (isWell) return 'ok';
  if (flags.detailedExitcode === true && !report.rulesOk) return 'changes';
  throw problem(report);
}
