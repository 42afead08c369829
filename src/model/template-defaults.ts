/** Owns what a template says where nothing was said: every default in one place. Pure. */
import type {
  DriverName,
  Limits,
  OnDeadline,
  PortRange,
  Probe,
  ProbeTiming,
  StopSignal,
  Template,
} from './template.ts';

/** Programs are started by Sluice itself. */
const DRIVER: DriverName = 'process';
/** Below the range from which Linux takes ports of outgoing connections (32768-60999), above the well-known ones. */
const PORTS: PortRange = { from: 20_000, to: 29_999 };
const NO_LIMITS: Limits = {};
/** A connection to the instance's port, without a word; its program must take it. */
const PROBE_KIND = 'tcp';
/** Between two questions, and how long an answer may take. */
const PROBE_INTERVAL_SECONDS = 2;
const PROBE_TIMEOUT_SECONDS = 1;
/** So many good answers in a row make it ready, so many bad ones unready. */
const PROBE_SUCCESSES = 2;
const PROBE_FAILURES = 3;
/** How long an instance may take to be ready. */
const PROBE_START_SECONDS = 30;
/** Of http probes: what is asked for, and what is well (redirects too: the program answers). */
const PROBE_PATH = '/';
const PROBE_STATUS = { from: 200, to: 399 };
const STOP_SIGNAL: StopSignal = 'SIGTERM';
/** From the signal to KILL. */
const GRACE_SECONDS = 10;
/** How long open connections are waited for, and that those left then live until the process ends. */
const DRAIN_SECONDS = 60;
const ON_DEADLINE: OnDeadline = 'leave';
/** Of each of stdout and stderr: a file of 10 MiB and five rotated ones. */
const LOGS = { maxBytes: 10 * 1024 * 1024, keep: 5 };
/** Of a pre-stop hook. */
const PRE_STOP_TIMEOUT_SECONDS = 10;

type Said<T> = { readonly [Key in keyof T]?: T[Key] | undefined };

/** What was said of a probe. Fields of other kinds than its own are passed over: whoever reads them refuses them. */
export interface ProbeInput extends Said<ProbeTiming> {
  readonly kind?: Probe['kind'] | undefined;
  readonly send?: string | undefined;
  readonly expect?: string | undefined;
  readonly path?: string | undefined;
  readonly host?: string | undefined;
  readonly status?: PortRange | undefined;
  readonly command?: readonly string[] | undefined;
}

/** What was said of a template: any part may be missing. */
export interface TemplateInput extends Said<Omit<Template, 'probe' | 'preStop' | 'logs'>> {
  readonly probe?: ProbeInput | undefined;
  readonly preStop?: Said<NonNullable<Template['preStop']>> | undefined;
  readonly logs?: Said<Template['logs']> | undefined;
}

function probeOf(input: ProbeInput): Probe {
  const timing: ProbeTiming = {
    intervalSeconds: input.intervalSeconds ?? PROBE_INTERVAL_SECONDS,
    timeoutSeconds: input.timeoutSeconds ?? PROBE_TIMEOUT_SECONDS,
    successes: input.successes ?? PROBE_SUCCESSES,
    failures: input.failures ?? PROBE_FAILURES,
    startSeconds: input.startSeconds ?? PROBE_START_SECONDS,
  };
  const kind = input.kind ?? PROBE_KIND;
  if (kind === 'tcp') return { kind, send: input.send, expect: input.expect, ...timing };
  if (kind === 'exec') return { kind, command: input.command ?? [], ...timing };
  return {
    kind,
    path: input.path ?? PROBE_PATH,
    host: input.host,
    status: input.status ?? PROBE_STATUS,
    ...timing,
  };
}

/** The whole template that is meant by what was said. Not checked: see `templateBreaks`. */
export function templateOf(input: TemplateInput): Template {
  const { preStop } = input;
  return {
    driver: input.driver ?? DRIVER,
    command: input.command ?? [],
    hooks: input.hooks,
    image: input.image,
    env: input.env ?? {},
    workingDirectory: input.workingDirectory,
    user: input.user,
    ports: input.ports ?? PORTS,
    limits: input.limits ?? NO_LIMITS,
    probe: probeOf(input.probe ?? {}),
    preStop:
      preStop === undefined
        ? undefined
        : {
            command: preStop.command ?? [],
            timeoutSeconds: preStop.timeoutSeconds ?? PRE_STOP_TIMEOUT_SECONDS,
          },
    stopSignal: input.stopSignal ?? STOP_SIGNAL,
    graceSeconds: input.graceSeconds ?? GRACE_SECONDS,
    drainSeconds: input.drainSeconds ?? DRAIN_SECONDS,
    onDeadline: input.onDeadline ?? ON_DEADLINE,
    logs: { maxBytes: input.logs?.maxBytes ?? LOGS.maxBytes, keep: input.logs?.keep ?? LOGS.keep },
    nodeSelector: input.nodeSelector ?? {},
  };
}
