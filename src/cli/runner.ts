/**
 * Owns running the body of a command: options from every source, session, time and signals, and closing the store. Loaded only when a
 * command runs, never for help.
 */
import type { Command } from 'commander';
import { type ResultCode, SluiceError } from '../errors.ts';
import type { CliDeps } from './deps.ts';
import { openSession, type Session } from './session.ts';
import { resolveOptions, type Settings, settingsOf } from './settings.ts';

/** What a command does with time and signals. */
export type RunMode =
  /** Ends at once on a signal or when `--timeout` has passed; with `--watch` the body ends itself. */
  | 'read'
  /** As `read`, but without `--once` the body ends itself: it has a terminal to put back. */
  | 'live'
  /** Ends itself on a signal, at a safe point; `--timeout` bounds its waiting only. */
  | 'write'
  /** Needs neither store nor configuration. */
  | 'offline';

/** The exit code of another program that was run in the foreground: handed on as it is. */
export interface ForeignExit {
  readonly exit: number;
}

/** The body of a command. */
export type Body = (session: Session) => Promise<ResultCode | ForeignExit>;

/** Rejects when the signal aborts, with its reason. */
async function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const fail = (): void => {
      const reason: unknown = signal.reason;
      reject(reason instanceof Error ? reason : new SluiceError('interrupted', 'stopped by a signal'));
    };
    if (signal.aborted) fail();
    else signal.addEventListener('abort', fail, { once: true });
  });
}

/** Aborts when the bound has passed; `stop` frees its timer. */
function startTimer(deps: CliDeps, ms: number): { readonly signal: AbortSignal; readonly stop: () => void } {
  const passed = new AbortController();
  const stopped = new AbortController();
  const wait = async (): Promise<void> => {
    await deps.clock.sleep(ms, stopped.signal);
    if (stopped.signal.aborted) return;
    passed.abort(
      new SluiceError('timeout', `not done after ${ms / 1000} s`, {
        why: '--timeout has passed',
        fix: 'give more time with --timeout',
        details: { timeoutSeconds: ms / 1000 },
      }),
    );
  };
  void wait();
  return { signal: passed.signal, stop: () => stopped.abort() };
}

/**
 * Runs the body of a command.
 * @param command the commander command that was chosen, flags parsed
 * @param run the arguments as typed, and how the command ends; `onSettings` is told the settings as soon as they are known
 * @throws SluiceError whatever the body throws, or why it was stopped
 */
export async function runBody(
  deps: CliDeps,
  command: Command,
  run: {
    readonly argv: readonly string[];
    readonly mode: RunMode;
    readonly body: Body;
    readonly onSettings: (settings: Settings) => void;
  },
): Promise<ResultCode | ForeignExit> {
  const offline = run.mode === 'offline';
  await resolveOptions(command, deps.io.env, offline ? undefined : deps.configPaths);
  run.onSettings(settingsOf(command));
  const {
    timeout: timeoutMs,
    watch,
    once,
  } = command.opts<{
    readonly timeout?: number;
    readonly watch?: boolean;
    readonly once?: boolean;
  }>();
  const endsItself = run.mode === 'write' || watch === true || (run.mode === 'live' && once !== true);
  const isTimed = run.mode === 'read' || run.mode === 'live';
  const timer = isTimed && timeoutMs !== undefined ? startTimer(deps, timeoutMs) : undefined;
  const signal = timer === undefined ? deps.signal : AbortSignal.any([deps.signal, timer.signal]);
  const { session, close } = await openSession(deps, command, { argv: run.argv, signal });
  try {
    if (endsItself) return await run.body(session);
    return await Promise.race([run.body(session), aborted(signal)]);
  } finally {
    timer?.stop();
    await close();
  }
}
