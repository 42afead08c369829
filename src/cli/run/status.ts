/** Owns the body of `status`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import { readAgentStatus } from '../../host/agent-status.ts';
import { status, type StatusReport } from '../../ops/status.ts';
import type { StatusFlags } from '../commands/status.ts';
import { DEFAULT_STATE_DIR } from '../options.ts';
import {
  ageOf,
  type AnyListing,
  formatListing,
  hideItems,
  type Listing,
  writeListing,
} from '../output/listing.ts';
import { readDeps, type Session } from '../session.ts';
import { watchListing } from '../watch.ts';
import { serviceListing } from './list-listings.ts';
import { statusHead } from './status-text.ts';
import { serviceNamed } from './unpublish.ts';

async function read(
  session: Session,
  service: string | undefined,
  flags: StatusFlags,
): Promise<StatusReport> {
  return status(await readDeps(session), {
    service: service === undefined ? undefined : serviceNamed(service),
    readLocal: async () => readAgentStatus(flags.stateDir ?? DEFAULT_STATE_DIR),
    signal: session.signal,
  });
}

/** The report as a result: one item, and for people the lines and the table of services. */
async function listingOf(session: Session, report: StatusReport, flags: StatusFlags): Promise<AnyListing> {
  const services = serviceListing({
    revision: report.store.revision ?? 0,
    items: report.services,
    invalid: report.invalid,
  });
  const isForPeople = ['table', 'wide', 'name'].includes(session.settings.output);
  const table =
    isForPeople && report.services.length > 0 ? await formatListing(session, services, flags) : '';
  if (session.settings.output === 'name') return hideItems(services);
  const listing: Listing<StatusReport> = {
    kind: 'Status',
    revision: report.store.revision,
    items: [report],
    name: () => 'status',
    json: (item) => item,
    columns: [],
    text: () => statusHead(report, { age: ageOf(session), palette: session.outPalette }) + table,
  };
  return hideItems(listing);
}

/** What --check says of a report that is not healthy. */
function unhealthy(report: StatusReport): SluiceError {
  const errors = report.findings.filter(({ severity }) => severity === 'error');
  return new SluiceError(
    'unhealthy',
    `${errors.length} ${errors.length === 1 ? 'thing is' : 'things are'} wrong`,
    {
      why: errors.map(({ ref, text }) => `${ref}: ${text}`).join('; '),
      fix: 'sluice status shows everything; sluice describe node/NAME shows a node',
      details: { findings: report.findings },
    },
  );
}

/** Shows the status. */
export async function statusBody(
  session: Session,
  service: string | undefined,
  flags: StatusFlags,
): Promise<ResultCode> {
  if (flags.watch === true) {
    const next = async (): Promise<AnyListing> =>
      listingOf(session, await read(session, service, flags), flags);
    return watchListing(session, next, {});
  }
  const report = await read(session, service, flags);
  const isSilent = session.settings.quiet && report.healthy;
  if (!isSilent) await writeListing(session, await listingOf(session, report, flags));
  if (flags.check === true && !report.healthy) throw unhealthy(report);
  return 'ok';
}
