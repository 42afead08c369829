/** Owns the container of an instance as words of podman, and what podman says of it. Pure. */
import { quoteValue } from '../../model/text.ts';
import type { Limits } from '../../model/template.ts';
import { SluiceError } from '../../errors.ts';
import type { ExitStatus } from '../driver.ts';
import { exitStatusOf } from '../exit-status.ts';
import type { UserIds } from '../launch/user.ts';

/** Label with the word of the start. */
export const RUN_LABEL = 'sluice.run';

/** What a container is made of. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly user: UserIds;
  /** In the container; `/`: the image's own. */
  readonly workingDirectory: string;
  readonly limits: Limits;
  /** Of the owner only. */
  readonly envFile: string;
  readonly command: readonly string[];
}

function limitWords({ cpu, memoryBytes, pids, files }: Limits): readonly string[] {
  return [
    ...(cpu === undefined ? [] : ['--cpus', String(cpu)]),
    // As much with swap as without: none.
    ...(memoryBytes === undefined ? [] : ['--memory', `${memoryBytes}b`, '--memory-swap', `${memoryBytes}b`]),
    ...(pids === undefined ? ['--pids-limit', '-1'] : ['--pids-limit', String(pids)]),
    ...(files === undefined ? [] : ['--ulimit', `nofile=${files}:${files}`]),
  ];
}

/** Root, where a policy allows it, has what podman gives it; others have nothing and can gain nothing. */
function userWords({ uid, gid }: UserIds): readonly string[] {
  const ids = ['--user', `${uid}:${gid}`];
  return uid === 0 ? ids : [...ids, '--cap-drop', 'all', '--security-opt', 'no-new-privileges'];
}

/**
 * Arguments of podman. With the log driver `passthrough` the container has the files that podman itself is given as its output, so that nothing
 * stands between that could break. podman restarts nothing: that is the agent's.
 */
export function runWords(container: Container): readonly string[] {
  const { name, image, labels, user, workingDirectory, limits, envFile, command } = container;
  return [
    'run',
    '--detach',
    '--name',
    name,
    ...Object.entries(labels).flatMap(([label, value]) => ['--label', `${label}=${value}`]),
    '--pull=never',
    '--restart=no',
    '--network=host',
    '--log-driver=passthrough',
    '--http-proxy=false',
    '--sdnotify=ignore',
    '--no-healthcheck',
    ...userWords(user),
    ...(workingDirectory === '/' ? [] : ['--workdir', workingDirectory]),
    ...limitWords(limits),
    '--env-file',
    envFile,
    image,
    ...command,
  ];
}

/**
 * Text of an env file: a line for each variable.
 * @throws SluiceError `failed` if a value has line breaks
 */
export function envFileText(env: Readonly<Record<string, string>>): string {
  const broken = Object.entries(env).find(([, value]) => /[\n\r]/.test(value));
  if (broken !== undefined) {
    throw new SluiceError('failed', `variable ${quoteValue(broken[0])} holds a line break`, {
      why: 'a container cannot be given it: podman reads a line for each variable',
      fix: 'write it another way (base64, a file of the image)',
    });
  }
  return Object.entries(env)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** What podman says of a container. */
export interface ContainerState {
  readonly kind: 'running' | 'exited' | 'changing';
  readonly id: string;
  readonly run: string;
  readonly pid: number;
  readonly exit: ExitStatus;
  /** `NAME=value` each. */
  readonly env: readonly string[];
}

const fieldsOf = (value: unknown): ReadonlyMap<string, unknown> =>
  new Map(typeof value === 'object' && value !== null ? Object.entries(value) : []);

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

const ENDED = ['exited', 'stopped'];

/** Reads the answer of `podman container inspect` (libpod's InspectContainerData); undefined if it is no such answer. */
export function parseContainer(text: string): ContainerState | undefined {
  let fields: ReadonlyMap<string, unknown>;
  try {
    const found: unknown = JSON.parse(text);
    fields = fieldsOf(Array.isArray(found) ? found[0] : undefined);
  } catch {
    return undefined;
  }
  const [state, config] = [fieldsOf(fields.get('State')), fieldsOf(fields.get('Config'))];
  const [id, status] = [fields.get('Id'), state.get('Status')];
  if (typeof id !== 'string' || typeof status !== 'string') return undefined;
  const pid = Number(state.get('Pid') ?? 0);
  const at = new Date(textOf(state.get('FinishedAt')));
  const code = Number(state.get('ExitCode') ?? 0);
  const exit = exitStatusOf(code, Number.isNaN(at.getTime()) ? '' : at.toISOString());
  const env = config.get('Env');
  return {
    kind: ENDED.includes(status) ? 'exited' : pid > 0 ? 'running' : 'changing',
    id,
    run: textOf(fieldsOf(config.get('Labels')).get(RUN_LABEL)),
    pid,
    exit: { ...exit, outOfMemory: state.get('OOMKilled') === true },
    env: Array.isArray(env) ? env.map(textOf) : [],
  };
}
