/** Owns what the driver contract needs: a scratch folder, a driver over it that can be opened again, orders, and looking at real processes. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import path from 'node:path';
import { vi } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { hasVariable, readProcStat } from '../../src/host/proc-stat.ts';
import { parsePolicy } from '../../src/model/policy-file.ts';
import type { Admit } from '../../src/runtime/admission.ts';
import { readCgroupMounts } from '../../src/runtime/cgroup/mounts.ts';
import type { Driver, StartOrder } from '../../src/runtime/driver.ts';
import { RUN_VARIABLE } from '../../src/runtime/own-variables.ts';
import { openNodePolicy } from '../../src/runtime/policy/node-policy.ts';
import { driverFolder } from '../../src/runtime/running.ts';
import { isMachineRoot } from '../harness/netns.ts';
import { defaultScript, openTested, TEST_IMAGE, type TestedDriver } from './driver-openers.ts';

/** What a test changes of the usual order; `script` is what sh runs as the instance. */
export type OrderChange = Partial<StartOrder> & { readonly id: string; readonly script?: string };

/** A driver under test. */
export interface DriverWorld {
  readonly name: TestedDriver;
  /** The driver's folder. */
  readonly root: string;
  /** The agent's state directory that it is below. */
  readonly stateDir: string;
  /** Folder that instances may write to. */
  readonly scratch: string;
  /** Lines that the driver logged. */
  readonly said: readonly string[];
  /** One more driver object over the same folder, as after an agent's death. */
  readonly open: (options?: {
    readonly bootId?: string;
    readonly noCgroups?: boolean;
    /** Called between the policy's answer and the start. */
    readonly afterAdmission?: () => void;
  }) => Promise<Driver>;
  readonly order: (change: OrderChange) => StartOrder;
  /** Ends every instance and takes all folders away. */
  readonly close: () => Promise<void>;
}

/** Which user instances of tests run as: another one where this process may become one. */
export const TEST_USER = isMachineRoot ? 'nobody' : userInfo().username;

/** Why tests that need a control group cannot run here; undefined if they can. */
export function whyNoCgroup(controller: 'memory' | 'pids'): string | undefined {
  if (!isMachineRoot) return 'not root of the machine';
  const { v1, v2 } = readCgroupMounts();
  return v1.has(controller) || v2?.controllers.includes(controller) === true
    ? undefined
    : `no cgroup controller ${controller}`;
}

const TMPFS = 0x01_02_19_94;
/** Where worlds stand: on a disk, since only there a log is rotated without losing a line; a tmpfs cannot cut the front off a file. */
const ROOT = statfsSync(tmpdir()).type === TMPFS ? '/var/tmp' : tmpdir();

const POLICY = `
commands: ['/bin/*', '/usr/bin/*', '/bin/sh', '${ROOT}/*/*', '${ROOT}/*/*/*']
users: ['${TEST_USER}', root, daemon]
directories: ['${ROOT}', /usr]
allowRoot: ${TEST_USER === 'root'}
drivers: [process, exec, systemd, podman]
images: ['${TEST_IMAGE}']
`;

/** Start, stop and status commands over a file with a pid; a zombie does not run. */
const EXEC_SCRIPT = `
pidfile=$SCRATCH/$SLUICE_INSTANCE_ID.pid
case $SLUICE_ACTION in
start) setsid /bin/sh -c "$1" </dev/null & echo $! >"$pidfile" ;;
stop) kill "$(cat "$pidfile")" 2>/dev/null; exit 0 ;;
status)
  read -r pid <"$pidfile" || exit 3
  case $(sed 's/.*) \\(.\\).*/\\1/' "/proc/$pid/stat" 2>/dev/null) in '' | Z | X) exit 3 ;; esac ;;
esac
`;

/** Waits for a condition; the deadline is generous, as the machine may be busy. */
export const eventually = <T>(condition: () => Promise<T> | T): Promise<T> =>
  vi.waitFor(condition, { timeout: 20_000, interval: 10 });

/** Pids of live processes that were started with this instance's name. */
export function pidsOf(id: string): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const state = readProcStat(pid)?.state;
      return (
        state !== undefined && state !== 'Z' && state !== 'X' && hasVariable(pid, `SLUICE_INSTANCE_ID=${id}`)
      );
    });
}

/** Starts of an instance of which something is alive: a program may have children. */
export function runsOf(id: string): ReadonlySet<string> {
  const environments = pidsOf(id).map((pid) => textOf(`/proc/${pid}/environ`).split('\0'));
  return new Set(
    environments.flatMap((words) => words.filter((word) => word.startsWith(`${RUN_VARIABLE}=`))),
  );
}

/** Text of a file, '' if there is none. */
export function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function orderOf(name: TestedDriver, scratch: string, change: OrderChange): StartOrder {
  const { script = defaultScript(name), ...rest } = change;
  const runner = path.join(scratch, 'exec.sh');
  const command = name === 'exec' ? ['/bin/sh', runner, script] : ['/bin/sh', '-c', script];
  const hooks = name === 'exec' ? { stop: ['/bin/sh', runner], status: ['/bin/sh', runner] } : undefined;
  return {
    service: 'web',
    command,
    hooks,
    image: name === 'podman' ? TEST_IMAGE : undefined,
    workingDirectory: '/',
    user: TEST_USER,
    ip: '127.0.0.1',
    port: 20_001,
    limits: {},
    logs: { maxBytes: 10 * 1024 * 1024, keep: 3 },
    ...rest,
    env: { PATH: '/usr/bin:/bin', SCRATCH: scratch, ...rest.env },
  };
}

/** A world for one driver. */
export async function openDriverWorld(name: TestedDriver, folder = ROOT): Promise<DriverWorld> {
  const top = mkdtempSync(path.join(folder, 'sluice-driver-'));
  chmodSync(top, 0o755);
  const scratch = path.join(top, 'scratch');
  mkdirSync(scratch);
  chmodSync(scratch, 0o777);
  writeFileSync(path.join(scratch, 'exec.sh'), EXEC_SCRIPT);
  const root = driverFolder(top, name);
  const opened: Driver[] = [];
  const said: string[] = [];
  const say = (message: string, fields: object = {}): void =>
    void said.push(`${message} ${JSON.stringify(fields)}`);
  const log = { debug: say, info: say, warn: say, error: say };
  const policy = openNodePolicy({
    load: () => Promise.resolve(parsePolicy(POLICY, 'test')),
    countOthers: () => 0,
  });
  const open: DriverWorld['open'] = async ({ bootId, noCgroups = false, afterAdmission } = {}) => {
    const admit: Admit = async (driverName, order) => {
      const admission = await policy.admit(driverName, order);
      afterAdmission?.();
      return admission;
    };
    const base = { root, clock: systemClock, log, admit };
    const mounts = noCgroups ? { v1: new Map(), v2: undefined } : undefined;
    const driver = await openTested(name, { ...base, bootId, mounts });
    opened.push(driver);
    return driver;
  };
  await Promise.resolve();
  return {
    name,
    root,
    stateDir: top,
    scratch,
    said,
    open,
    order: (change) => orderOf(name, scratch, change),
    close: async () => {
      const last = await open();
      for (const { id } of await last.list()) {
        await last.stop(id, { signal: 'SIGTERM', graceMs: 200 }).catch(() => undefined);
        await last.remove(id).catch(() => undefined);
      }
      for (const driver of opened) await driver.close();
      rmSync(top, { recursive: true, force: true });
    },
  };
}

/** Everything that an instance printed. */
export async function outputOf(driver: Driver, id: string, stream: 'stdout' | 'stderr'): Promise<string> {
  const chunks: Uint8Array[] = [];
  const { signal } = new AbortController();
  for await (const chunk of driver.logs(id, { stream, follow: false, signal })) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** What the process driver has written down of an instance. */
export function recordOf(world: DriverWorld, id: string): Record<string, unknown> {
  const value: unknown = JSON.parse(
    readFileSync(path.join(world.root, 'instances', id, 'record.json'), 'utf8'),
  );
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
