/** Owns one start of an instance: everything checked and on disk before the shim is started, and waiting until the program itself runs. */
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../host/clock.ts';
import { randomId } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { isAlive, readCommandLine } from '../../host/proc-stat.ts';
import { plainText, quoteValue } from '../../model/text.ts';
import { SluiceError } from '../../errors.ts';
import type { Admit } from '../admission.ts';
import { makeCgroups, removeCgroups } from '../cgroup/cgroup.ts';
import type { CgroupMounts } from '../cgroup/mounts.ts';
import type { StartOrder } from '../driver.ts';
import { checkWords } from '../launch/check-environment.ts';
import { userOf } from '../launch/identity.ts';
import {
  filesLimit,
  type Launch,
  LAUNCH_ENV,
  NOT_LAUNCHED,
  launchingCommandLines,
  scriptParameters,
} from '../launch/launch.ts';
import { lastLine } from '../logs/last-line.ts';
import { ID_VARIABLE, RUN_VARIABLE } from '../own-variables.ts';
import type { ScriptFile } from '../script-file.ts';
import { type Folders, folderOf, prepareRun, readExit, readPids, type InstanceRecord } from './record.ts';
import { shimCommand } from './shim.ts';

/** What a start needs besides the order. */
export interface StartContext {
  readonly folders: Folders;
  /** Holds the shim's script. */
  readonly script: ScriptFile;
  readonly bootId: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly admit: Admit;
  readonly mounts: CgroupMounts;
  /** Folder names of control groups above the instance's. */
  readonly cgroupParts: readonly string[];
}

/** A machine under load takes its time; the shim needs about 10 ms. */
const LAUNCH_TIMEOUT_MS = 20_000;
/** Looks go from quick to slow, each pause half as long again: a program that takes long to start does so on a busy machine, and each look costs three files. */
const PAUSE_MS = { first: 2, last: 20 } as const;
/** Exit codes of the steps before the program when they could not go on: sh, setsid, prlimit; the script; not executable, not found. */
const LAUNCH_FAILURES = [1, 2, NOT_LAUNCHED, 126, 127];
const LAUNCHERS = /^(sluice|setsid|prlimit|setpriv|env|.*shim\.sh): /;

/** Everything about the program, checked as far as it can be before anything is started. */
async function prepareLaunch(
  order: StartOrder,
  { admit, run }: { readonly admit: Admit; readonly run: string },
): Promise<{ readonly launch: Omit<Launch, 'cgroups'>; readonly notes: readonly string[] }> {
  const env: Readonly<Record<string, string>> = {
    ...order.env,
    [ID_VARIABLE]: order.id,
    [RUN_VARIABLE]: run,
  };
  checkWords(order.command, env);
  const user = await userOf(order.user);
  const { command, workingDirectory } = await admit('process', order);
  const { files, notes } = filesLimit(order.limits.files);
  return { launch: { command, env, workingDirectory, user, files }, notes };
}

function notStarted(order: StartOrder, why: string): SluiceError {
  return new SluiceError('failed', `instance ${order.id} cannot be started`, {
    why: plainText(why, 300),
    fix: `run ${quoteValue(order.command[0] ?? '')} by hand as user ${order.user}`,
    details: { instance: order.id, user: order.user },
  });
}

/** A shim that was just started. */
interface Started {
  readonly record: InstanceRecord;
  /** Command lines of the steps before the program. */
  readonly launching: ReadonlySet<string>;
  readonly hasFailed: () => string | undefined;
  /** The error output, and how much there was of earlier runs. */
  readonly stderr: { readonly file: string; readonly size: number };
}

/** Waits until the program runs or has ended. @throws SluiceError `failed` if a step before the program failed */
async function awaitProgram(
  order: StartOrder,
  { record, launching, hasFailed, stderr }: Started,
  { folders, clock }: StartContext,
): Promise<void> {
  const deadline = clock.monotonicMs() + LAUNCH_TIMEOUT_MS;
  for (let pauseMs: number = PAUSE_MS.first; ; pauseMs = Math.min(pauseMs * 1.5, PAUSE_MS.last)) {
    const { main } = readPids(folders, order.id);
    const commandLine = main === undefined ? '' : readCommandLine(main.pid);
    if (main !== undefined && commandLine !== '' && !launching.has(commandLine)) {
      if (isAlive(main.pid, main.startTicks)) return;
    }
    const exit = readExit(folders, record);
    if (exit !== undefined) {
      const said = lastLine(stderr.file, stderr.size);
      if (LAUNCH_FAILURES.includes(exit.code) && LAUNCHERS.test(said)) throw notStarted(order, said);
      return;
    }
    const failed = hasFailed();
    if (failed !== undefined && main === undefined) throw notStarted(order, failed);
    if (clock.monotonicMs() >= deadline) throw notStarted(order, 'its shim did not get ready in time');
    await clock.sleep(pauseMs);
  }
}

/** Starts the shim. @returns why it is gone, once it is */
function startShim(words: readonly string[]): () => string | undefined {
  let failed: string | undefined;
  const [file = '', ...args] = words;
  const child = spawn(file, args, { detached: true, stdio: 'ignore', cwd: '/', env: { ...LAUNCH_ENV } });
  child.once('error', (error) => {
    failed = `cannot run ${file}: ${error.message}`;
  });
  child.once('exit', (code, signal) => {
    failed ??= `its shim ended at once (${signal ?? code}); is the disk full?`;
  });
  child.unref();
  return () => failed;
}

/**
 * Starts an instance of which nothing runs. Logs of earlier runs stay.
 * @param onRecord called once everything is on disk, before the shim is started
 * @throws SluiceError `permission`, `config`, `failed`; then nothing of it runs
 */
export async function startRun(
  order: StartOrder,
  context: StartContext,
  onRecord: (record: InstanceRecord) => void,
): Promise<void> {
  const { folders, clock, mounts } = context;
  const run = randomId();
  const { launch, notes } = await prepareLaunch(order, { admit: context.admit, run });
  await context.script.ensure();
  const setup = makeCgroups(mounts, [...context.cgroupParts, `${order.id}.${run}`], order.limits);
  const record: InstanceRecord = {
    format: 1,
    id: order.id,
    service: order.service,
    port: order.port,
    bootId: context.bootId,
    run,
    startedAt: clock.now().toISOString(),
    cgroups: setup.groups,
    notes: [...setup.notes, ...notes],
    logs: order.logs,
  };
  try {
    await prepareRun(folders, record);
  } catch (error) {
    if (setup.groups !== undefined) await removeCgroups(setup.groups);
    throw error;
  }
  onRecord(record);
  const whole = { ...launch, cgroups: setup.groups?.folders ?? [] };
  const shim = { folder: folderOf(folders, order.id), run, exits: folders.exits, name: order.id };
  const words = shimCommand(context.script.file, shim, scriptParameters(whole));
  const file = path.join(shim.folder, 'stderr.log');
  const stderr = { file, size: statSync(file).size };
  const launching = launchingCommandLines(whole, words);
  await awaitProgram(order, { record, launching, hasFailed: startShim(words), stderr }, context);
}
