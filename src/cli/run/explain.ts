/** Owns the body of `explain`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import { canonicalIp } from '../../model/address.ts';
import { parseEntry } from '../../model/entry.ts';
import { quoteValue } from '../../model/text.ts';
import { explain, type ExplainReport } from '../../ops/explain.ts';
import type { Subject } from '../../ops/explain-sources.ts';
import type { EntryExplanation } from '../../rules/explain/explanation.ts';
import type { ExplainFlags } from '../commands/explain.ts';
import { widthOf } from '../io.ts';
import { nodeReader, savedItems } from '../node-reader.ts';
import { DEFAULT_STATE_DIR } from '../options.ts';
import { writeListing } from '../output/listing.ts';
import type { Session } from '../session.ts';
import { explainText } from './explain-text.ts';
import { serviceNamed } from './unpublish.ts';

/** An entry has a colon; a service never. */
function subjectOf(word: string): Subject {
  return word.includes(':')
    ? { kind: 'entry', entry: parseEntry(word) }
    : { kind: 'service', service: serviceNamed(word) };
}

function clientOf(from: string | undefined): string | undefined {
  const ip = from === undefined ? undefined : canonicalIp(from);
  if (from === undefined || ip !== undefined) return ip;
  throw new SluiceError('usage', `--from: ${quoteValue(from)} is not an IP address`, {
    why: '--from names the client whose connections are walked',
    fix: 'write for example --from 10.0.9.7',
    details: { flag: '--from', value: from.slice(0, 80) },
  });
}

function unhealthy(report: ExplainReport): SluiceError {
  const errors = report.explanations.flatMap(({ findings }) =>
    findings.filter(({ severity }) => severity === 'error'),
  );
  return new SluiceError(
    'unhealthy',
    `${errors.length} ${errors.length === 1 ? 'thing stands' : 'things stand'} in the way`,
    {
      why: errors.map(({ text }) => text).join('; '),
      fix: errors[0]?.fix,
      details: { findings: errors },
    },
  );
}

function note(session: Session, report: ExplainReport): void {
  if (report.savedAt !== undefined)
    session.notes.warn(`the store is unreachable: compared with what the agent saved at ${report.savedAt}`);
  else if (report.revision === undefined)
    session.notes.warn('the store is unreachable: the rules are not compared with it');
  else if (report.service === undefined) session.notes.warn('no service in the store has this entry');
}

/** Explains. */
export async function explainBody(session: Session, word: string, flags: ExplainFlags): Promise<ResultCode> {
  const subject = subjectOf(word);
  const from = clientOf(flags.from);
  const sources = {
    store: await session.store(),
    readSaved: async () => savedItems(flags.stateDir ?? DEFAULT_STATE_DIR),
    reader: nodeReader(session.deps.exec),
  };
  const report = await explain(sources, subject, { from, device: flags.in, signal: session.signal });
  note(session, report);
  if (!(session.settings.quiet && report.healthy)) {
    const width = widthOf(session.deps.io.stdout);
    const layout = { palette: session.outPalette, width, headers: session.settings.headers };
    await writeListing<EntryExplanation>(session, {
      kind: 'ExplanationList',
      revision: report.revision,
      items: report.explanations,
      name: ({ entry }) => entry,
      json: (item) => ({ service: report.service ?? null, ...item }),
      columns: [],
      text: () => report.explanations.map((each) => explainText(each, layout)).join('\n'),
    });
  }
  if (flags.check === true && !report.healthy) throw unhealthy(report);
  return 'ok';
}
