/** Owns a machine without real processes: a driver whose processes outlive supervisors, probes with an answer that can be set. */
import type { Answer, Edges, Running } from '../../../src/agent/instances/edges.ts';
import { SluiceError } from '../../../src/errors.ts';
import type { Driver, ExitStatus, Observed, StartOrder } from '../../../src/runtime/driver.ts';

interface Process {
  readonly order: StartOrder;
  readonly pid: number;
  exit: ExitStatus | undefined;
  listeners: Set<(exit: ExitStatus) => void>;
}

const ended = (code: number | undefined, signal?: string): ExitStatus => ({
  code,
  signal,
  outOfMemory: false,
  at: '2026-01-01T00:00:00.000Z',
  lost: false,
});

/** A machine to run instances on. */
export interface FakeMachine {
  /** Edges of one agent; several one after the other find the same processes. */
  readonly edges: () => Edges;
  readonly pidOf: (id: string) => number | undefined;
  /** All starts so far, as ids. */
  readonly starts: readonly string[];
  /** What was done, one word each: `start web-1`, `hook web-1`, `stop web-1`, `reset web-1`, `remove web-1`. */
  readonly done: readonly string[];
  /** The process ends by itself. */
  readonly exit: (id: string, code: number) => void;
  /** What probes of an instance answer; undefined: well. `hang`: nothing until the timeout. */
  readonly answers: Map<string, Answer | 'hang'>;
  /** Programs that are stopped by a signal. */
  readonly halted: Set<string>;
  /** Established connections by id. */
  readonly connections: Map<string, number>;
  /** Thrown by `prepare`. */
  refuse: SluiceError | undefined;
  /** Thrown by `list`. */
  blind: SluiceError | undefined;
}

async function* noLogs(): AsyncGenerator<Uint8Array> {}

/** A machine on which nothing runs. */
export function fakeMachine(): FakeMachine {
  const processes = new Map<string, Process>();
  const done: string[] = [];
  const starts: string[] = [];
  let pids = 100;
  let ports = 20_000;

  const observe = ({ order, exit }: Process): Observed => {
    const { id, service, port } = order;
    return exit === undefined
      ? {
          kind: 'running',
          id,
          service,
          port,
          main: undefined,
          startedAt: '2026-01-01T00:00:00.000Z',
          notes: [],
        }
      : { kind: 'exited', id, service, port, exit };
  };
  const finish = (process: Process, exit: ExitStatus): ExitStatus => {
    process.exit ??= exit;
    for (const listener of process.listeners) listener(process.exit);
    process.listeners.clear();
    return process.exit;
  };
  const find = (id: string): Process => {
    const process = processes.get(id);
    if (process === undefined) throw new SluiceError('not-found', `there is no instance ${id} here`);
    return process;
  };

  const machine: FakeMachine = {
    edges: () => edges,
    pidOf: (id) => {
      const process = processes.get(id);
      return process?.exit === undefined ? process?.pid : undefined;
    },
    starts,
    done,
    exit: (id, code) => void finish(find(id), ended(code)),
    answers: new Map(),
    halted: new Set(),
    connections: new Map(),
    refuse: undefined,
    blind: undefined,
  };

  const driver: Driver = {
    name: 'process',
    fingerprint: async () => ({ ok: true, limits: [] }),
    start: async (order) => {
      const before = processes.get(order.id);
      if (before !== undefined && before.exit === undefined) return observe(before);
      pids += 1;
      const process: Process = { order, pid: pids, exit: undefined, listeners: new Set() };
      processes.set(order.id, process);
      starts.push(order.id);
      done.push(`start ${order.id}`);
      return observe(process);
    },
    list: async () => {
      if (machine.blind !== undefined) throw machine.blind;
      return [...processes.values()].map(observe);
    },
    onExit: (id, listener) => {
      const process = find(id);
      const { exit } = process;
      if (exit === undefined) process.listeners.add(listener);
      else queueMicrotask(() => listener(exit));
      return () => process.listeners.delete(listener);
    },
    stop: async (id, { signal }) => {
      const process = find(id);
      if (process.exit === undefined) done.push(`stop ${id}`);
      return finish(process, ended(undefined, signal));
    },
    remove: async (id) => {
      processes.delete(id);
      done.push(`remove ${id}`);
    },
    usage: async () => new Map(),
    logs: noLogs,
    close: async () => {},
  };

  const answerOf = async ({ order }: Running, timeoutMs: number, signal: AbortSignal): Promise<Answer> => {
    const answer = machine.answers.get(order.id) ?? { well: true };
    if (answer !== 'hang') return answer;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      signal.addEventListener('abort', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    return { well: false, why: `no answer within ${timeoutMs} ms` };
  };
  const idAt = (port: number): string =>
    [...processes.values()].find(({ order }) => order.port === port)?.order.id ?? '?';

  const edges: Edges = {
    drivers: new Map([['process', driver]]),
    expected: ['process'],
    prepare: async ({ assignment, ip, port }) => {
      if (machine.refuse !== undefined) throw machine.refuse;
      ports += 1;
      const { id, service, template } = assignment;
      const { command, env, limits, logs } = template;
      return {
        id,
        service,
        command,
        env,
        limits,
        logs,
        ip,
        port: port ?? ports,
        user: 'app',
        workingDirectory: '/',
      };
    },
    release: async () => {},
    ask: (running, { timeoutMs, signal }) => answerOf(running, timeoutMs, signal),
    isHalted: ({ order }) => machine.halted.has(order.id),
    runHook: async ({ order }) => void done.push(`hook ${order.id}`),
    countConnections: async (addresses) =>
      addresses.map(({ port }) => machine.connections.get(idAt(port)) ?? 0),
    resetConnections: async ({ port }) => void done.push(`reset ${idAt(port)}`),
    close: async () => {},
  };
  return machine;
}
