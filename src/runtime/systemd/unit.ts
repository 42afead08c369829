/** Owns the transient unit of an instance as words of systemd-run, and what systemctl says of it. Pure. */
import type { Limits } from '../../model/template.ts';

/** What a unit is made of; nothing of the order's words and environment. */
export interface Unit {
  readonly name: string;
  /** Tells this start from others: `descriptionOf`. */
  readonly description: string;
  readonly limits: Limits;
  readonly files: { readonly stdin: string; readonly stdout: string; readonly stderr: string };
  /** Run as root; drops what it does not need. */
  readonly launcher: readonly string[];
  /** Run as root after the end. */
  readonly atExit: readonly string[];
}

/** Description of a unit of that start. */
export const descriptionOf = (run: string): string => `sluice instance, start ${run}`;

/** A word in the syntax of unit files (man 7 systemd.syntax, quoting). */
function quoted(word: string): string {
  const escaped = word.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  return `"${escaped}"`;
}

/** A word in which systemd replaces no variables. */
const unexpanded = (word: string): string => word.replaceAll('$', '$$$$');

const percent = (cpu: number): string => `${Math.max(1, Math.round(cpu * 10_000) / 100)}%`;

function limitProperties({ cpu, memoryBytes, pids, files }: Limits): readonly string[] {
  return [
    ...(cpu === undefined ? [] : [`CPUQuota=${percent(cpu)}`]),
    ...(memoryBytes === undefined ? [] : [`MemoryMax=${memoryBytes}`, 'MemorySwapMax=0']),
    ...(pids === undefined ? ['TasksMax=infinity'] : [`TasksMax=${pids}`]),
    ...(files === undefined ? [] : [`LimitNOFILE=${files}`]),
  ];
}

/**
 * Arguments of systemd-run. It restarts nothing: that is the agent's. No `User=` and no prefix (`+`, `:`) before a command: those that need root
 * after the end would then need a prefix, and systemd 252 loses transient commands with one when it reads its units anew.
 */
export function runArguments(unit: Unit): readonly string[] {
  const { name, description, limits, files, launcher, atExit } = unit;
  const properties = [
    'Type=exec',
    'CollectMode=inactive-or-failed',
    'Restart=no',
    'KillMode=mixed',
    'OOMPolicy=continue',
    'UMask=0022',
    'CPUAccounting=yes',
    'MemoryAccounting=yes',
    'TasksAccounting=yes',
    ...limitProperties(limits),
    `StandardInput=file:${files.stdin}`,
    `StandardOutput=append:${files.stdout}`,
    `StandardError=append:${files.stderr}`,
    `ExecStopPost=${atExit.map(unexpanded).map(quoted).join(' ')}`,
  ];
  return [
    '--quiet',
    '--no-ask-password',
    `--unit=${name}`,
    `--description=${description}`,
    ...properties.flatMap((property) => ['-p', property]),
    '--',
    ...launcher.map(unexpanded),
  ];
}

/** What systemctl says of a unit. */
export interface UnitState {
  /** `running`: its main process is there. `over`: nothing of it runs any more, but its name is taken. */
  readonly kind: 'running' | 'changing' | 'over' | 'gone';
  readonly description: string;
  readonly mainPid: number;
}

/** Properties that `parseState` reads. */
export const STATE_PROPERTIES = 'LoadState,ActiveState,MainPID,Description';

/** Reads the output of `systemctl show --property=STATE_PROPERTIES`. */
export function parseState(text: string): UnitState {
  const fields = new Map(
    text.split('\n').map((line) => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)] as const;
    }),
  );
  const active = fields.get('ActiveState') ?? '';
  const mainPid = Number(fields.get('MainPID') ?? 0);
  const isOver = active === 'inactive' || active === 'failed';
  const kind =
    fields.get('LoadState') !== 'loaded'
      ? 'gone'
      : isOver
        ? 'over'
        : active === 'active' && mainPid > 0
          ? 'running'
          : 'changing';
  return { kind, description: fields.get('Description') ?? '', mainPid };
}

/** Version in the output of `systemctl --version`: `systemd 252 (252.38-1)`. */
export function parseVersion(text: string): number | undefined {
  const version = /^systemd (\d+)/.exec(text)?.[1];
  return version === undefined ? undefined : Number(version);
}
