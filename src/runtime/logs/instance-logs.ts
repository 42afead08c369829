/** Owns the output files of all instances of a driver: one object for each, rotated while their instance runs. */
import path from 'node:path';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { LogOptions } from '../driver.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { createRotator, type Rotated } from './rotation.ts';

/** An instance whose output grows. */
export interface Writer {
  readonly id: string;
  readonly logs: { readonly maxBytes: number; readonly keep: number };
}

/** What it needs. */
export interface InstanceLogsOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Folder that holds an instance's `stdout.log` and `stderr.log`. */
  readonly folder: (id: string) => string;
  readonly running: () => readonly Writer[];
}

/** Output of instances. */
export interface InstanceLogs {
  readonly files: (id: string, stream: LogOptions['stream']) => readonly LogFile[];
  readonly forget: (id: string) => void;
  /** Ends the rotation. */
  readonly close: () => Promise<void>;
}

const LOOK_MS = 1_000;
const STREAMS = ['stdout', 'stderr'] as const;

/** Opens them; rotation begins at once. */
export function createInstanceLogs(options: InstanceLogsOptions): InstanceLogs {
  const { clock, log, folder, running } = options;
  const opened = new Map<string, Readonly<Record<(typeof STREAMS)[number], LogFile>>>();
  const rotator = createRotator(log);
  const closing = new AbortController();
  const filesOf = (id: string): Readonly<Record<(typeof STREAMS)[number], LogFile>> => {
    const known = opened.get(id);
    if (known !== undefined) return known;
    const file = (stream: string): LogFile => openLogFile(path.join(folder(id), `${stream}.log`));
    const files = { stdout: file('stdout'), stderr: file('stderr') };
    opened.set(id, files);
    return files;
  };
  const rotated = (): readonly Rotated[] =>
    running().flatMap(({ id, logs }) => STREAMS.map((stream) => ({ id, log: filesOf(id)[stream], ...logs })));
  const loop = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await rotator.look(rotated());
      await clock.sleep(LOOK_MS, closing.signal);
    }
  };
  const looping = loop();
  return {
    files: (id, stream) => (stream === 'both' ? STREAMS : [stream]).map((name) => filesOf(id)[name]),
    forget: (id) => {
      opened.delete(id);
    },
    close: async () => {
      closing.abort();
      await looping;
    },
  };
}
