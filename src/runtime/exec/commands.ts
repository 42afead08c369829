/** Owns running the administrator's start, stop and status commands of one instance, and what their exit codes mean. */
import { SluiceError } from '../../errors.ts';
import type { StartOrder } from '../driver.ts';
import { runAs, type RunResult } from '../launch/run-as.ts';
import { EXEC_VARIABLES, ID_VARIABLE } from '../own-variables.ts';
import { outputFiles } from '../instance-folders.ts';
import { execFolder, type ExecRecord } from './record.ts';

/** What `status` said. LSB: 0 runs, 3 does not; anything else says nothing. */
export type ExecStatus =
  { readonly kind: 'running' | 'stopped' } | { readonly kind: 'unknown'; readonly why: string };

const STATUS_TIMEOUT_MS = 5_000;
const START_TIMEOUT_MS = 30_000;
const NOT_RUNNING = 3;

/** Variables of all three commands, besides the order's. */
export function execVariables(order: StartOrder): Readonly<Record<string, string>> {
  return {
    ...order.env,
    [ID_VARIABLE]: order.id,
    [EXEC_VARIABLES.service]: order.service,
    [EXEC_VARIABLES.ip]: order.ip,
    [EXEC_VARIABLES.port]: String(order.port),
  };
}

/** Runs one of them. Only what `start` leaves running belongs to the control groups. */
async function run(
  root: string,
  record: ExecRecord,
  asked: {
    readonly command: readonly string[];
    readonly timeoutMs: number;
    readonly signal: AbortSignal;
    readonly part: 'start' | 'stop' | 'status';
  },
): Promise<RunResult> {
  const { env, workingDirectory, user, files } = record;
  const { part, command, timeoutMs, signal } = asked;
  const cgroups = part === 'start' ? (record.cgroups?.folders ?? []) : [];
  const launch = {
    command,
    env: { ...env, [EXEC_VARIABLES.action]: part },
    workingDirectory,
    user,
    files,
    cgroups,
  };
  const append = part === 'status' ? undefined : outputFiles(execFolder(root, record.id));
  return await runAs(launch, { timeoutMs, signal, append });
}

/** Asks whether it runs. Never throws. */
export async function askStatus(root: string, record: ExecRecord, signal: AbortSignal): Promise<ExecStatus> {
  const command = record.hooks.status;
  const asked = { command, timeoutMs: STATUS_TIMEOUT_MS, signal, part: 'status' } as const;
  const { code, timedOut, output } = await run(root, record, asked);
  if (code === 0) return { kind: 'running' };
  if (code === NOT_RUNNING) return { kind: 'stopped' };
  const how = timedOut ? `no answer within ${STATUS_TIMEOUT_MS} ms` : `exit code ${code ?? 'unknown'}`;
  return { kind: 'unknown', why: output === '' ? how : `${how}: ${output}` };
}

/** Starts it. @throws SluiceError `failed` if the command does not end with 0 in time */
export async function runStart(
  root: string,
  record: ExecRecord,
  { command, signal }: { readonly command: readonly string[]; readonly signal: AbortSignal },
): Promise<void> {
  const { code, timedOut } = await run(root, record, {
    command,
    timeoutMs: START_TIMEOUT_MS,
    signal,
    part: 'start',
  });
  if (code === 0) return;
  throw new SluiceError('failed', `instance ${record.id} cannot be started`, {
    why: timedOut
      ? `its start command ran longer than ${START_TIMEOUT_MS} ms; it must not stay in the foreground`
      : `its start command ended with ${code ?? 'a signal'}`,
    fix: `sluice logs shows what it printed (${outputFiles(execFolder(root, record.id)).stderr})`,
    details: { instance: record.id, exitCode: code },
  });
}

/** Tells it to stop. What the command says is not asked: `status` tells whether it did. */
export async function runStop(
  root: string,
  record: ExecRecord,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<void> {
  await run(root, record, { command: record.hooks.stop, timeoutMs, signal, part: 'stop' });
}
