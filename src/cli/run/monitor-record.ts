/** Owns the body of `monitor record`. */
import { type ResultCode, SluiceError } from '../../errors.ts';
import { createLineFile } from '../../host/line-file.ts';
import { formatDuration } from '../../model/duration.ts';
import { formatSize, parseSize } from '../../model/size.ts';
import { record } from '../../monitor/recording/recorder.ts';
import { DEFAULT_POLICY_FILE } from '../../runtime/policy/load-policy.ts';
import { openMetricReader } from '../../sampling/own-metric.ts';
import type { RecordFlags } from '../commands/monitor-recording.ts';
import { logOf } from '../daemon.ts';
import { startProgress } from '../progress.ts';
import type { Session } from '../session.ts';
import { serviceNamed } from './unpublish.ts';

const FOR_MS = 24 * 3_600_000;
const MAX_BYTES = 64 * 1_024 * 1_024;
/** What a replay can hold in memory. */
const MOST_BYTES = 256 * 1_024 * 1_024;
const EVERY_MS = 2_000;
const EVERY_BOUNDS = { from: 500, to: 60_000 } as const;

/** @throws SluiceError `usage` */
function everyOf(ms: number = EVERY_MS): number {
  if (ms >= EVERY_BOUNDS.from && ms <= EVERY_BOUNDS.to) return ms;
  throw new SluiceError('usage', `--every ${formatDuration(ms)} is out of bounds`, {
    why: `it may be ${formatDuration(EVERY_BOUNDS.from)} to ${formatDuration(EVERY_BOUNDS.to)}; nodes sample every 2s`,
    fix: 'write for example --every 2s',
  });
}

/** @throws SluiceError `usage`, `invalid-spec` */
function maxOf(text: string | undefined): number {
  const bytes = text === undefined ? MAX_BYTES : parseSize(text, '--max-size');
  if (bytes > 0 && bytes <= MOST_BYTES) return bytes;
  throw new SluiceError('usage', `--max-size ${text ?? ''} is out of bounds`, {
    why: `a recording that can be replayed is at most ${formatSize(MOST_BYTES)}`,
    fix: 'write for example --max-size 100MiB',
  });
}

const ENDS = {
  time: 'its time is over',
  size: 'the file is as large as --max-size allows',
  signal: 'it was told to stop',
} as const;

/** Records until told to stop, or a bound. */
export async function recordBody(
  session: Session,
  words: readonly string[],
  flags: RecordFlags,
): Promise<ResultCode> {
  const { deps, signal, notes } = session;
  const [everyMs, maxBytes, to] = [everyOf(flags.every), maxOf(flags.maxSize), flags.to ?? ''];
  const services = words.length === 0 ? undefined : new Set(words.map(serviceNamed));
  const store = await session.store();
  const file = await createLineFile(to, maxBytes);
  const progress = await startProgress(session, 'recording');
  try {
    const { looks, bytes, seconds, end } = await record({
      store,
      file,
      services,
      everyMs,
      signal,
      clock: deps.clock,
      random: deps.random,
      log: logOf(session, undefined),
      readMetric: openMetricReader(flags.policy ?? DEFAULT_POLICY_FILE),
      forMs: flags.for ?? FOR_MS,
      onLook: (count) =>
        progress.update(`recording: ${count} looks, ${formatSize(file.bytes())}; Ctrl-C ends it`),
    });
    progress.stop();
    notes.info(
      `${to}: ${looks} looks in ${formatDuration(Math.round(seconds) * 1_000)}, ${bytes} bytes; ended because ${ENDS[end]}`,
    );
    return 'ok';
  } finally {
    progress.stop();
    await file.close();
  }
}
