import { describe, expect, it } from 'vitest';
import { changedLines, eventsBetween } from '../../src/cli/watch.ts';
import { SluiceError } from '../../src/errors.ts';
import type { Clock } from '../../src/host/clock.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { steppingClock } from '../ops/world.ts';
import { cluster, run, type RunOptions, type RunResult } from './run.ts';

const PUBLISH = 'publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080 -q';

/**
 * Watches while steps happen, one at each pause; Ctrl-C after the last.
 * @param words the command
 */
async function watched(
  words: string,
  steps: readonly (() => Promise<unknown>)[],
  options: RunOptions,
): Promise<RunResult> {
  const controller = new AbortController();
  const left = [...steps];
  const clock: Clock = {
    ...steppingClock(),
    sleep: async () => {
      const step = left.shift();
      if (step === undefined) controller.abort(new SluiceError('interrupted', 'stopped by SIGINT'));
      else await step();
    },
  };
  return run(words.split(' '), { ...options, signal: controller.signal, deps: { clock } });
}

describe('--watch', () => {
  it('redraws on a terminal', async () => {
    const { store, sluice } = cluster();
    const steps = [async () => sluice(PUBLISH)];
    const { code, stdout } = await watched('list --watch', steps, { store, terminal: true });
    expect(code).toBe(130);
    const screens = stdout.split('\u001b[H\u001b[2J');
    expect(screens).toHaveLength(3);
    expect(screens[1]).not.toContain('web');
    expect(screens[2]).toContain('web');
  });

  it('writes changed lines on a pipe', async () => {
    const { store, sluice } = cluster();
    const steps = [
      async () => sluice(PUBLISH),
      async () => sluice('list'),
      async () => sluice('instance add web 10.0.1.12:8080 -q'),
    ];
    const { stdout } = await watched('list -w --columns name,instances', steps, { store });
    expect(stdout).toBe('NAME  INSTANCES\nweb   1\nweb   2\n');
  });

  it('writes one event a line with jsonl', async () => {
    const { store, sluice } = cluster();
    await sluice(PUBLISH);
    const steps = [
      async () => sluice('instance add web 10.0.1.12:8080 -q'),
      async () => sluice('unpublish web -yq'),
    ];
    const { stdout } = await watched('list -w -o jsonl', steps, { store });
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events.map(({ type, item }) => [type, item.name, item.instances])).toEqual([
      ['added', 'web', 1],
      ['changed', 'web', 2],
      ['deleted', 'web', 2],
    ]);
  });

  it('survives the loss of the store, and says so once', async () => {
    let isLost = false;
    const store = createMemoryStore({ fault: () => (isLost ? { kind: 'unreachable' } : undefined) });
    const steps = [
      async () => (isLost = true),
      async () => undefined,
      async () => undefined,
      async () => {
        isLost = false;
        return run(PUBLISH.split(' '), { store });
      },
    ];
    const { stdout, stderr } = await watched('list -w --columns name', steps, { store });
    expect(stdout).toBe('NAME\nweb\n');
    expect(stderr.match(/going on trying/g)).toHaveLength(1);
  });

  it('ends by itself with --timeout only, with 0', async () => {
    const { sluice } = cluster();
    expect(await sluice('list -w --timeout 20ms')).toMatchObject({ code: 0, stderr: '' });
  });

  it('watches the status too', async () => {
    const { store, sluice } = cluster();
    const steps = [async () => sluice(PUBLISH)];
    const { stdout } = await watched('status -w --state-dir /nonexistent', steps, { store });
    expect(stdout.match(/^web /gm)).toHaveLength(1);
  });
});

describe('changes between two states', () => {
  it('leave out what only the clock moves', () => {
    const before = new Map([['a', { name: 'a', ageSeconds: 1 }]]);
    const after = new Map([['a', { name: 'a', ageSeconds: 2 }]]);
    expect(eventsBetween(before, after)).toEqual([]);
  });

  it('are lines that were not there, widths of columns aside', () => {
    expect(changedLines('A    B\nx    1\n', 'A  B\nx  1\ny  2\n')).toBe('y  2\n');
  });
});
