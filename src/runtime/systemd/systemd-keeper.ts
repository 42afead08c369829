/**
 * Owns keeping instances by systemd: each is a transient service of the system manager, which starts it, holds what it forks together and says how
 * it ended. Units are named after this driver's folder, so that two agents on one machine do not meet.
 */
import { statSync } from 'node:fs';
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../host/clock.ts';
import { errnoOf } from '../../host/error-code.ts';
import type { Exec, ExecResult } from '../../host/exec.ts';
import { leanExec } from '../../host/lean-exec.ts';
import { readCommandLine, readProcStat } from '../../host/proc-stat.ts';
import { plainText, quoteValue } from '../../model/text.ts';
import { SluiceError } from '../../errors.ts';
import type { Admit } from '../admission.ts';
import { cgroupPartsOf } from '../cgroup/cgroup.ts';
import type { CgroupMounts } from '../cgroup/mounts.ts';
import type { StartOrder } from '../driver.ts';
import { outputFiles } from '../instance-folders.ts';
import { keptFolder } from '../kept/files.ts';
import type { Keeper, KeptRecord, KeptSight, Ready } from '../kept/keeper.ts';
import { checkWords } from '../launch/check-environment.ts';
import { userOf } from '../launch/identity.ts';
import { dropTo, filesLimit, LAUNCH_ENV } from '../launch/launch.ts';
import { findProgram } from '../launch/program.ts';
import { lastLine } from '../logs/last-line.ts';
import { ID_VARIABLE, RUN_VARIABLE } from '../own-variables.ts';
import { openScriptFile, type ScriptFile } from '../script-file.ts';
import { allocateExit, EXIT_SCRIPT, exitCommand, readExit } from './exit-record.ts';
import { fingerprintSystemd } from './fingerprint.ts';
import { isLauncher, launcherCommand, launcherInput, NOT_LAUNCHED } from './launcher.ts';
import { descriptionOf, parseState, runArguments, STATE_PROPERTIES, type UnitState } from './unit.ts';

/** What the keeper is given. */
export interface SystemdOptions {
  readonly root: string;
  readonly admit: Admit;
  readonly clock: Clock;
  readonly mounts: CgroupMounts;
  /** Runs systemctl and systemd-run. */
  readonly run?: Exec | undefined;
}

type Context = SystemdOptions & { readonly run: Exec; readonly exitScript: ScriptFile };

/** A machine under load takes its time. */
const TIMEOUT_MS = 30_000;
const PAUSE_MS = 10;
/** Exit codes of the steps before the program when they could not go on: setpriv, perl; the launcher; not executable, not found. */
const LAUNCH_FAILURES = [1, 2, NOT_LAUNCHED, 126, 127];
const LAUNCHERS = /^(sluice|setpriv|perl): /;
/** Exit codes of systemd itself when it could not execute anything (man 5 systemd.exec, "Process Exit Codes"). */
const EXEC_FAILURES = { from: 200, to: 245 } as const;

const unitOf = ({ root }: Context, id: string): string =>
  `sluice-${cgroupPartsOf(root).at(-1)}-${id}.service`;
const exitFile = ({ root }: Context, id: string): string => path.join(root, 'exits', id);
const stdinFile = ({ root }: Context, id: string): string => path.join(keptFolder(root, id), 'order');

async function systemctl({ run }: Context, args: readonly string[]): Promise<ExecResult> {
  return await run('systemctl', ['--no-ask-password', ...args], { timeoutMs: TIMEOUT_MS });
}

/** @throws SluiceError `failed` if the manager does not answer */
async function stateOf(context: Context, id: string): Promise<UnitState> {
  const name = unitOf(context, id);
  const shown = await systemctl(context, ['show', `--property=${STATE_PROPERTIES}`, '--', name]);
  if (shown.exitCode === 0) return parseState(shown.stdout);
  throw new SluiceError('failed', `systemd does not say what ${name} is doing`, {
    why: plainText(shown.stderr, 300),
    fix: 'look at systemctl status; a manager that is being replaced answers again in a moment',
    details: { unit: name },
  });
}

async function look(context: Context, { id, run }: KeptRecord): Promise<KeptSight> {
  const told = (): KeptSight | undefined => {
    const exit = readExit(exitFile(context, id), run);
    return exit === undefined ? undefined : { kind: 'exited', exit };
  };
  const before = told();
  if (before !== undefined) return before;
  const { kind, description, mainPid } = await stateOf(context, id);
  // It may have been written between the two looks.
  if (kind === 'gone' || kind === 'over' || description !== descriptionOf(run))
    return told() ?? { kind: 'absent' };
  const stat = kind === 'running' ? readProcStat(mainPid) : undefined;
  if (stat === undefined || stat.state === 'Z' || isLauncher(readCommandLine(mainPid))) {
    return { kind: 'changing' };
  }
  const main = { pid: mainPid, startTicks: stat.startTicks };
  return { kind: 'running', main, groupMark: unitOf(context, id) };
}

async function kill(context: Context, id: string): Promise<void> {
  await systemctl(context, ['kill', '--signal=SIGKILL', '--', unitOf(context, id)]);
}

/** For what may be taken away meanwhile. */
function unlessGone(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}

async function clear(context: Context, id: string): Promise<void> {
  const { clock } = context;
  // A start that is still on its way, of an agent that was killed, comes too late.
  await rm(stdinFile(context, id), { force: true });
  const deadline = clock.monotonicMs() + TIMEOUT_MS;
  for (;;) {
    const { kind } = await stateOf(context, id);
    if (kind === 'gone') break;
    if (clock.monotonicMs() >= deadline) {
      throw new SluiceError('failed', `unit ${unitOf(context, id)} does not end`, {
        why: 'something of it hangs in the kernel',
        fix: `look at systemctl status ${unitOf(context, id)}`,
        details: { instance: id },
      });
    }
    if (kind === 'running') await kill(context, id);
    // systemd forgets it by itself in a moment, unless somebody else looks at it.
    if (kind === 'over') await systemctl(context, ['reset-failed', '--', unitOf(context, id)]);
    await clock.sleep(PAUSE_MS);
  }
  await rm(exitFile(context, id), { force: true });
}

function notStarted({ id, user, command }: StartOrder, why: string): SluiceError {
  return new SluiceError('failed', `instance ${id} cannot be started`, {
    why: plainText(why, 300),
    fix: `run ${quoteValue(command[0] ?? '')} by hand as user ${user}`,
    details: { instance: id, user },
  });
}

/** Why a unit that has ended never became its program; undefined if it did. */
function whyNotLaunched(
  code: number | undefined,
  said: string,
  refusal: string | undefined,
): string | undefined {
  if (code === undefined) return undefined;
  if (LAUNCH_FAILURES.includes(code) && LAUNCHERS.test(said)) return said;
  return refusal !== undefined && code >= EXEC_FAILURES.from && code <= EXEC_FAILURES.to
    ? refusal
    : undefined;
}

/**
 * Waits until the launcher has become the program, or has ended.
 * @param start `refusal`: what systemd-run said if it failed, which it also does when a program ends at once
 * @throws SluiceError `failed` if it could not
 */
async function awaitProgram(
  context: Context,
  record: KeptRecord,
  start: { readonly order: StartOrder; readonly stderrSize: number; readonly refusal: string | undefined },
): Promise<void> {
  const { clock } = context;
  const { order, stderrSize, refusal } = start;
  const deadline = clock.monotonicMs() + TIMEOUT_MS;
  for (;;) {
    const sight = await look(context, record);
    if (sight.kind === 'exited') {
      const said = lastLine(outputFiles(keptFolder(context.root, record.id)).stderr, stderrSize);
      const why = whyNotLaunched(sight.exit.code, said, refusal);
      if (why !== undefined) throw notStarted(order, why);
      return;
    }
    if (sight.kind === 'absent' && refusal !== undefined) throw notStarted(order, refusal);
    if (sight.kind !== 'changing') return;
    if (clock.monotonicMs() >= deadline) throw notStarted(order, 'its program did not get ready in time');
    await clock.sleep(PAUSE_MS);
  }
}

async function prepare(context: Context, order: StartOrder): Promise<Ready> {
  checkWords(order.command, order.env);
  const user = await userOf(order.user);
  const { path: perl } = await findProgram('perl', LAUNCH_ENV['PATH']);
  const { command, workingDirectory } = await context.admit('systemd', order);
  const { files, notes } = filesLimit(order.limits.files);
  const start = async (record: KeptRecord): Promise<void> => {
    const { id, run } = record;
    const env = { ...order.env, [ID_VARIABLE]: id, [RUN_VARIABLE]: run };
    const [stdin, output] = [stdinFile(context, id), outputFiles(keptFolder(context.root, id))];
    await mkdir(path.join(context.root, 'exits'), { recursive: true, mode: 0o700 });
    await context.exitScript.ensure();
    await allocateExit(exitFile(context, id));
    await writeFile(stdin, launcherInput({ workingDirectory, command, env }), { mode: 0o600 });
    const stderrSize = statSync(output.stderr).size;
    const words = runArguments({
      name: unitOf(context, id),
      description: descriptionOf(run),
      limits: { ...order.limits, files },
      files: { stdin, ...output },
      launcher: [...dropTo(user), ...launcherCommand(perl)],
      atExit: exitCommand(context.exitScript.file, { file: exitFile(context, id), run }, context.mounts),
    });
    try {
      const started = await context.run('systemd-run', words, { timeoutMs: TIMEOUT_MS });
      const refusal = started.exitCode === 0 ? undefined : `systemd-run: ${started.stderr.trim()}`;
      await awaitProgram(context, record, { order, stderrSize, refusal });
    } finally {
      // Its unit opens it again at the end; what it held is nobody's business any more.
      await truncate(stdin).catch(unlessGone);
    }
  };
  return { notes, start };
}

/** Opens the keeper; asks nothing yet. */
export function openSystemdKeeper(options: SystemdOptions): Keeper {
  const exitScript = openScriptFile(path.join(options.root, 'exited.sh'), EXIT_SCRIPT);
  const context: Context = { ...options, run: options.run ?? leanExec, exitScript };
  return {
    name: 'systemd',
    fingerprint: async () => await fingerprintSystemd(context),
    prepare: async (order) => await prepare(context, order),
    look: async (record) => await look(context, record),
    kill: async ({ id }) => await kill(context, id),
    clear: async (id) => await clear(context, id),
  };
}
