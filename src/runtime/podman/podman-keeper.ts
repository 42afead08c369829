/**
 * Owns keeping instances by podman: each is a container in the node's network, which conmon holds and whose end podman knows. Containers are
 * named after this driver's folder, so that two agents on one machine do not meet.
 */
import { statSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Exec } from '../../host/exec.ts';
import { leanExec } from '../../host/lean-exec.ts';
import { readProcStat } from '../../host/proc-stat.ts';
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
import { filesLimit } from '../launch/launch.ts';
import { lastLine } from '../logs/last-line.ts';
import { ID_VARIABLE, RUN_VARIABLE } from '../own-variables.ts';
import { createTurns, type Turns } from '../turns.ts';
import {
  type Container,
  type ContainerState,
  envFileText,
  parseContainer,
  RUN_LABEL,
  runWords,
} from './container.ts';
import { fingerprintPodman } from './fingerprint.ts';
import { runInto } from './run-into.ts';

/** What the keeper is given. */
export interface PodmanOptions {
  readonly root: string;
  readonly admit: Admit;
  readonly mounts: CgroupMounts;
  /** Runs podman. */
  readonly run?: Exec | undefined;
}

interface Context extends PodmanOptions {
  readonly run: Exec;
  /** One pull of an image at a time. */
  readonly pulls: Turns;
}

/** A machine under load takes its time; podman needs about 250 ms. */
const TIMEOUT_MS = 60_000;
const PULL_TIMEOUT_MS = 600_000;

const ownerOf = ({ root }: Context): string => cgroupPartsOf(root).at(-1) ?? '';
const nameOf = (context: Context, id: string): string => `sluice-${ownerOf(context)}-${id}`;
const envFileOf = ({ root }: Context, id: string): string => path.join(keptFolder(root, id), 'env');

function failed(what: string, stderr: string, fix: string): SluiceError {
  const why = plainText(stderr.trim().split('\n').at(-1) ?? '', 300);
  return new SluiceError('failed', what, { why, fix });
}

/** Undefined: there is no such container. @throws SluiceError `failed` if podman does not say */
async function inspect(context: Context, id: string): Promise<ContainerState | undefined> {
  const name = nameOf(context, id);
  const words = ['container', 'inspect', name];
  const { exitCode, stdout, stderr } = await context.run('podman', words, { timeoutMs: TIMEOUT_MS });
  if (exitCode !== 0 && /no such container/i.test(stderr)) return undefined;
  const state = exitCode === 0 ? parseContainer(stdout) : undefined;
  if (state !== undefined) return state;
  const said = exitCode === 0 ? 'its answer cannot be read' : stderr;
  throw failed(`podman does not say what container ${name} is doing`, said, 'look at podman ps --all');
}

async function look(context: Context, record: KeptRecord): Promise<KeptSight> {
  const state = await inspect(context, record.id);
  if (state === undefined || state.run !== record.run) return { kind: 'absent' };
  if (state.kind === 'exited') return { kind: 'exited', exit: state.exit };
  const stat = state.kind === 'running' ? readProcStat(state.pid) : undefined;
  // Its main process is gone, and podman will know how in a moment.
  if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return { kind: 'changing' };
  return { kind: 'running', main: { pid: state.pid, startTicks: stat.startTicks }, groupMark: state.id };
}

/** Makes sure that the image is here. @throws SluiceError `failed` */
async function ensureImage({ run, pulls }: Context, image: string): Promise<void> {
  await pulls.take(image, async () => {
    const { exitCode } = await run('podman', ['image', 'exists', image], { timeoutMs: TIMEOUT_MS });
    if (exitCode === 0) return;
    const pulled = await run('podman', ['pull', '--quiet', image], { timeoutMs: PULL_TIMEOUT_MS });
    if (pulled.exitCode === 0) return;
    throw failed(
      `image ${quoteValue(image)} is not on this node and cannot be fetched`,
      pulled.stderr,
      'check its name and the registry; podman pull by hand shows more',
    );
  });
}

/** The environment must have arrived as it was ordered: versions of podman read env files differently. */
function checkArrived(state: ContainerState, env: Readonly<Record<string, string>>): void {
  const missing = Object.entries(env).find(([name, value]) => !state.env.includes(`${name}=${value}`));
  if (missing === undefined) return;
  throw new SluiceError('failed', `variable ${missing[0]} cannot be given to a container`, {
    why: 'this podman reads its value differently from an env file',
    fix: 'avoid quotes and blanks at the ends of its value',
  });
}

async function start(
  context: Context,
  record: KeptRecord,
  container: Omit<Container, 'name' | 'labels' | 'envFile'> & { readonly env: StartOrder['env'] },
): Promise<void> {
  const { id, run, service } = record;
  const env = { ...container.env, [ID_VARIABLE]: id, [RUN_VARIABLE]: run };
  const envFile = envFileOf(context, id);
  const output = outputFiles(keptFolder(context.root, id));
  const before = statSync(output.stderr).size;
  const labels = {
    'sluice.driver': ownerOf(context),
    'sluice.id': id,
    'sluice.service': service,
    [RUN_LABEL]: run,
  };
  try {
    await writeFile(envFile, envFileText(env), { mode: 0o600 });
    const words = runWords({ ...container, name: nameOf(context, id), labels, envFile });
    const { exitCode, why } = await runInto(['podman', ...words], { ...output, timeoutMs: TIMEOUT_MS });
    if (exitCode !== 0) {
      const said = why ?? lastLine(output.stderr, before);
      throw failed(
        `instance ${id} cannot be started`,
        said,
        'check command, user and folder against the image',
      );
    }
    const state = await inspect(context, id);
    if (state !== undefined) checkArrived(state, env);
  } finally {
    await rm(envFile, { force: true });
  }
}

async function prepare(context: Context, order: StartOrder): Promise<Ready> {
  const { image, env, limits } = order;
  checkWords(order.command, env);
  envFileText(env);
  const user = await userOf(order.user);
  const { command, workingDirectory } = await context.admit('podman', order);
  if (image === undefined) {
    throw new SluiceError('failed', `instance ${order.id} has no image`, {
      fix: 'give the template an image',
    });
  }
  await ensureImage(context, image);
  const { files, notes } = filesLimit(limits.files);
  const container = { image, user, workingDirectory, limits: { ...limits, files }, command, env };
  return { notes, start: async (record) => await start(context, record, container) };
}

/** Opens the keeper; asks nothing yet. */
export function openPodmanKeeper(options: PodmanOptions): Keeper {
  const context: Context = { ...options, run: options.run ?? leanExec, pulls: createTurns() };
  const podman = async (words: readonly string[]): Promise<string | undefined> => {
    const { exitCode, stderr } = await context.run('podman', words, { timeoutMs: TIMEOUT_MS });
    return exitCode === 0 ? undefined : stderr;
  };
  return {
    name: 'podman',
    fingerprint: async () => await fingerprintPodman(context),
    prepare: async (order) => await prepare(context, order),
    look: async (record) => await look(context, record),
    // What it says does not matter: whether it is gone is seen.
    kill: async ({ id }) => void (await podman(['kill', '--signal', 'KILL', nameOf(context, id)])),
    clear: async (id) => {
      const name = nameOf(context, id);
      // A start that is still on its way, of an agent that was killed, comes too late.
      await rm(envFileOf(context, id), { force: true });
      const stderr = await podman(['rm', '--force', '--ignore', '--time', '0', name]);
      if (stderr !== undefined)
        throw failed(`container ${name} cannot be removed`, stderr, `podman rm --force ${name}`);
    },
  };
}
