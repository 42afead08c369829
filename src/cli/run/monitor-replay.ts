/** Owns the body of `monitor replay`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import { readBounded, writeAtomic } from '../../host/files.ts';
import { policyFromFlags, saysPolicy } from '../../model/policy-flags.ts';
import { readRecording } from '../../model/recording.ts';
import { plotOf } from '../../monitor/recording/plot.ts';
import {
  replay,
  type ReplayOptions,
  type ReplayPoint,
  type ReplayWeights,
} from '../../monitor/recording/replay.ts';
import { summaries } from '../../monitor/recording/summary.ts';
import type { ReplayFlags } from '../commands/monitor-recording.ts';
import { writeListing } from '../output/listing.ts';
import type { Session } from '../session.ts';
import { replayListing } from './replay-listing.ts';
import { serviceNamed } from './unpublish.ts';

/** As large as a recording can be made. */
const MOST_BYTES = 256 * 1_024 * 1_024;
const START_MS = 10_000;

/** Text of the recording. @throws SluiceError `not-found`, `failed`, `permission` */
async function textOf(file: string): Promise<string> {
  const text = await readBounded(file, MOST_BYTES);
  if (text !== undefined) return text;
  throw new SluiceError('not-found', `there is no file ${JSON.stringify(file)}`, {
    why: 'nothing has this name',
    fix: 'sluice monitor record --to FILE writes one',
    details: { path: file },
  });
}

/** Another policy, where flags say one. */
function optionsOf({ startTime, from: _from, plot: _plot, ...flags }: ReplayFlags): ReplayOptions {
  const isTried = saysPolicy(flags);
  return {
    startMs: startTime ?? START_MS,
    policyOf: (service) => (isTried ? policyFromFlags(flags, service).scaling : undefined),
  };
}

/** Decides again what was recorded. */
export async function replayBody(
  session: Session,
  words: readonly string[],
  flags: ReplayFlags,
): Promise<ResultCode> {
  const file = flags.from ?? '';
  const only = words.length === 0 ? undefined : new Set(words.map(serviceNamed));
  const isAsked = ({ service }: { readonly service: string }): boolean => only?.has(service) !== false;
  const looks = readRecording(file, await textOf(file), (line) =>
    session.notes.warn(
      `line ${line} of ${file} has no end and is left out: the recorder was stopped within it`,
    ),
  );
  const points: ReplayPoint[] = [];
  const weights: ReplayWeights[] = [];
  for (const look of replay(looks, optionsOf(flags))) {
    points.push(...look.points.filter(isAsked));
    weights.push(...look.weights.filter(isAsked));
  }
  const items = summaries(points, weights);
  if (items.length === 0) session.notes.info('nothing is decided in it: no recorded service follows load');
  if (flags.plot !== undefined) {
    await writeAtomic(flags.plot, plotOf(points));
    session.notes.info(`plot written to ${flags.plot}`);
  }
  await writeListing(session, replayListing(session, items, weights));
  return 'ok';
}
