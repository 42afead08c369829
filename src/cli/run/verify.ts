/** Owns the body of `verify`. */
import { readInstalled } from '../../dataplane/live/installed.ts';
import { type ResultCode, SluiceError } from '../../errors.ts';
import { verify, type VerifyItem, type VerifyReport } from '../../ops/verify.ts';
import type { VerifyFlags } from '../commands/verify.ts';
import { savedItems } from '../node-reader.ts';
import { DEFAULT_STATE_DIR } from '../options.ts';
import { type Listing, writeListing } from '../output/listing.ts';
import { readDeps, type Session } from '../session.ts';
import { serviceNamed } from './unpublish.ts';

const SHARED = 'hooks and tree';
const SPREAD: Readonly<Record<VerifyItem['spread'], string>> = {
  fits: 'fits',
  off: 'does not fit',
  'too-few': 'too few to tell',
  single: '-',
};

function rulesText({ differences }: VerifyItem): string {
  if (differences.length === 0) return 'ok';
  const [first] = differences;
  const missing = first?.missing[0];
  const example = missing === undefined ? `unwanted: ${first?.unwanted[0] ?? ''}` : `missing: ${missing}`;
  return `${differences.length} ${differences.length === 1 ? 'chain differs' : 'chains differ'}, ${example}`;
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

function problem(report: VerifyReport): SluiceError {
  const { items } = report;
  const differing = items.filter(({ rules }) => rules === 'differ').map(({ service }) => service ?? SHARED);
  const off = items.filter(({ spread }) => spread === 'off').map(({ service }) => service ?? '');
  const why = [
    ...(differing.length === 0 ? [] : [`rules differ: ${differing.slice(0, 10).join(', ')}`]),
    ...(off.length === 0 ? [] : [`connections are not spread by the shares: ${off.slice(0, 10).join(', ')}`]),
  ];
  return new SluiceError('unhealthy', 'the kernel is not as the store asks for', {
    why: why.join('; '),
    fix:
      differing.length === 0
        ? 'sluice explain SERVICE shows what stands in the way of some instances'
        : 'the agent repairs its rules when it starts and on SIGHUP: is it running? (sluice status)',
    details: { differing, off },
  });
}

/** Verifies. */
export async function verifyBody(
  session: Session,
  service: string | undefined,
  flags: VerifyFlags,
): Promise<ResultCode> {
  const deps = {
    ...(await readDeps(session)),
    readSaved: async () => savedItems(flags.stateDir ?? DEFAULT_STATE_DIR),
    readInstalled: async () => readInstalled(session.deps.exec),
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
