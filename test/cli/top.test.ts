import { Readable, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { InputStream, OutputStream } from '../../src/cli/io.ts';
import { SluiceError } from '../../src/errors.ts';
import type { Clock } from '../../src/host/clock.ts';
import { encodeLoad, type NodeLoad } from '../../src/model/load.ts';
import { loadKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import type { ServableStore } from '../../src/store/lease-calls.ts';
import type { Store } from '../../src/store/store.ts';
import { putRaw, START, steppingClock } from '../ops/world.ts';
import { cluster, run, type RunResult } from './run.ts';

const AT = Date.parse(START);
const load = (node: string, changes: Partial<NodeLoad> = {}): NodeLoad => ({
  node,
  at: AT,
  cores: 2,
  cpu: 0.42,
  memoryUsedBytes: 3 * 2 ** 30,
  memoryTotalBytes: 4 * 2 ** 30,
  load1: 1.25,
  instances: {},
  newConnections: {},
  ...changes,
});
const put = async (store: Store, ...loads: readonly NodeLoad[]): Promise<void> => {
  await putRaw(store, Object.fromEntries(loads.map((each) => [loadKey(each.node), encodeLoad(each)])));
};
const WEB = 'publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080 --instance 10.0.1.12:8080 -q';
/** An instance of `web` as samples name it. */
const webKey = (ip: string): string => `web/${ip}:8080`;

describe('top', () => {
  it('shows nodes, and says which samples are old, ahead or cannot be read', async () => {
    const { store, sluice } = cluster();
    await put(
      store,
      load('n1', {
        instances: { 'web/a': { connections: 7 }, 'web/b': {} },
        newConnections: { 'web/a': 2.25 },
      }),
      load('n2', { at: AT - 42_000, cpu: 0.95 }),
      load('n3', { at: AT + 42_000 }),
    );
    await putRaw(store, { [loadKey('n4')]: '{"cpu":2}' });
    const { code, stdout, stderr } = await sluice('top --once');
    expect(code).toBe(0);
    expect(stdout).toBe(
      [
        'NODE  SAMPLE            CPU  PRESSURE  LOAD  MEMORY  USED     INSTANCES  CONNECTIONS  NEW/S',
        'n1    fresh             42%  -         1.25  75%     3.0 GiB  2          7            2.3',
        'n2    stale, 42s        95%  -         1.25  75%     3.0 GiB  0          -            -',
        'n3    stale, 42s ahead  42%  -         1.25  75%     3.0 GiB  0          -            -',
        'n4    unreadable        -    -         -     -       -        -          -            -',
        '',
      ].join('\n'),
    );
    expect(stderr).toContain('warning: current-load/n4 cannot be read');
  });

  it('adds up services from samples of now, and says of how many instances', async () => {
    const { store, sluice } = cluster();
    await sluice(WEB);
    await sluice('publish idle --entry 10.96.0.11:80 --instance 10.0.1.13:80 -q');
    await put(
      store,
      load('n1', {
        instances: {
          [webKey('10.0.1.11')]: {
            cpu: 0.5,
            cpuCores: 1,
            memoryBytes: 2 ** 20,
            connections: 3,
            acceptQueue: 1,
          },
        },
        newConnections: { [webKey('10.0.1.11')]: 2, [webKey('10.0.1.12')]: 1 },
        serviceConnections: { web: 3 },
      }),
      load('n2', { newConnections: { [webKey('10.0.1.11')]: 4 }, serviceConnections: { web: 4 } }),
      load('n3', { at: AT - 60_000, instances: { [webKey('10.0.1.12')]: { connections: 90 } } }),
    );
    const { stdout } = await sluice('top services --once --sort-by=-cpu');
    expect(stdout).toBe(
      [
        'SERVICE  SAMPLED  CPU  CPU-MAX  CORES  MEMORY   CONNECTIONS  QUEUE  NEW/S',
        'web      2/2      50%  50%      1.00   1.0 MiB  3            1      7.0',
        'idle     0/1      -    -        -      -        -            -      -',
        '',
      ].join('\n'),
    );
    const { stdout: json } = await sluice('top services --once -o json');
    expect(JSON.parse(json)).toMatchObject({
      kind: 'ServiceLoadList',
      items: [{ service: 'idle' }, { service: 'web', connections: 3, newPerSecond: 7 }],
    });
  });

  it('says that there are no samples, and leaves what is not known out of JSON', async () => {
    const { store, sluice } = cluster();
    await sluice(WEB);
    const { code, stdout, stderr } = await sluice('top services --once');
    expect([code, stderr]).toEqual([
      0,
      'warning: there are no samples: does sluice monitor run on the nodes?\n',
    ]);
    expect(stdout).toContain('0/2');
    await put(store, load('n1', { cpu: undefined }));
    const [item] = JSON.parse((await sluice('top --once -o json')).stdout).items;
    expect(item).toMatchObject({ node: 'n1', sample: 'fresh', alive: false });
    expect(item).not.toHaveProperty('cpu');
    expect((await sluice('top --once -o name')).stdout).toBe('node/n1\n');
  });

  it('names the columns when it is asked for another', async () => {
    const { code, stderr } = await run(['top', '--once', '--sort-by', 'cpus']);
    expect([code, stderr.includes('columns are: node, sample, cpu')]).toEqual([64, true]);
  });

  it('goes on with changed lines on a pipe', async () => {
    const { store } = cluster();
    const stop = new AbortController();
    const steps = [async () => put(store, load('n1')), async () => put(store, load('n1', { cpu: 0.5 }))];
    const clock: Clock = {
      ...steppingClock(),
      sleep: async () => {
        const step = steps.shift();
        if (step === undefined) stop.abort(new SluiceError('interrupted', 'stopped by SIGINT'));
        else await step();
      },
    };
    const words = ['top', '--columns', 'node,cpu'];
    const { code, stdout } = await run(words, { store, signal: stop.signal, deps: { clock } });
    expect([code, stdout]).toEqual([130, 'NODE  CPU\nn1    42%\nn1    50%\n']);
  });
});

/** A terminal on which steps happen, one at each pause. */
async function onTerminal(
  store: ServableStore,
  steps: (terminal: {
    readonly key: (key: string) => void;
    readonly size: (columns: number) => void;
  }) => readonly (() => unknown)[],
  signal?: AbortSignal,
): Promise<RunResult & { readonly raw: readonly boolean[] }> {
  const raw: boolean[] = [];
  const stdin = Object.assign(new Readable({ read: () => {} }), {
    isTTY: true,
    setRawMode: (on: boolean) => void raw.push(on),
  });
  let text = '';
  const sink = new Writable({
    decodeStrings: false,
    write: (chunk: string, _encoding, done) => {
      text += chunk;
      done();
    },
  });
  const stdout = Object.assign(sink, { isTTY: true, columns: 100, rows: 6 });
  const left = [
    ...steps({
      key: (key) => void stdin.push(key),
      size: (columns) => {
        stdout.columns = columns;
        stdout.emit('resize');
      },
    }),
  ];
  const clock: Clock = {
    ...steppingClock(),
    sleep: async (_ms, stop) => {
      await left.shift()?.();
      await new Promise<void>((resolve) => setImmediate(resolve));
      if (left.length === 0 && stop?.aborted === false) {
        await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
      }
    },
  };
  const stderr = new Writable({ write: (_chunk, _encoding, done) => done() });
  const io = {
    stdin: stdin as InputStream,
    stdout: stdout as OutputStream,
    stderr: Object.assign(stderr, { isTTY: true, columns: 100 }) as OutputStream,
    env: { TERM: 'xterm', NO_COLOR: '1' },
  };
  const options = { store, deps: { clock, io }, ...(signal === undefined ? {} : { signal }) };
  const { code } = await run(['top'], options);
  return { code, stdout: text, stderr: '', raw };
}

const FRAME = '\u001b[H';
const LEFT = '\u001b[?7h\u001b[?25h\u001b[?1049l';

describe('top on a terminal', () => {
  it('draws over what was there without erasing it first, and ends on q with the terminal as it was', async () => {
    const store = createMemoryStore();
    await put(store, load('n1'));
    const { code, stdout, raw } = await onTerminal(store, ({ key }) => [
      async () => put(store, load('n1', { cpu: 0.5 })),
      () => key('xq'),
    ]);
    expect([code, raw]).toEqual([0, [true, false]]);
    const [begin, first, second, ...more] = stdout.split(FRAME);
    expect([begin, more]).toEqual(['\u001b[?1049h\u001b[?25l\u001b[?7l', []]);
    expect(first).toContain('42%');
    expect(second).toContain('50%');
    expect(stdout).not.toContain('\u001b[2J');
    expect(stdout.endsWith(LEFT)).toBe(true);
  });

  it('fits another size at once, and leaves out what has no room', async () => {
    const store = createMemoryStore();
    await put(store, ...Array.from({ length: 9 }, (_, at) => load(`node-with-a-long-name-${at}`)));
    const { stdout } = await onTerminal(store, ({ key, size }) => [() => size(60), () => key('q')]);
    const frames = stdout.split(FRAME).slice(1);
    for (const frame of frames) expect(frame.split('\r\n')).toHaveLength(6);
    expect(frames[0]).toContain('node-with-a-long-name-0');
    expect(frames.some((frame) => !frame.includes('node-with-a-long-name-0') && frame.includes('…'))).toBe(
      true,
    );
  });

  it('ends on Ctrl-C and on a signal with 130, the terminal as it was', async () => {
    const store = createMemoryStore();
    const byKey = await onTerminal(store, ({ key }) => [() => key('\u0003')]);
    expect([byKey.code, byKey.raw, byKey.stdout.endsWith(LEFT)]).toEqual([130, [true, false], true]);
    const signal = new AbortController();
    const kill = () => signal.abort(new SluiceError('interrupted', 'stopped by SIGINT'));
    const bySignal = await onTerminal(store, () => [kill], signal.signal);
    expect([bySignal.code, bySignal.raw, bySignal.stdout.endsWith(LEFT)]).toEqual([130, [true, false], true]);
  });

  it('keeps the last figures when the store is lost, and says that they are old', async () => {
    let isLost = false;
    const store = createMemoryStore({ fault: () => (isLost ? { kind: 'unreachable' } : undefined) });
    await put(store, load('n1'));
    const { stdout } = await onTerminal(store, ({ key }) => [() => (isLost = true), () => key('q')]);
    const frames = stdout.split(FRAME).slice(1);
    expect(frames[0]).not.toContain('not of now');
    expect(frames[1]).toContain('not of now');
    expect(frames[1]).toContain('42%');
  });
});
