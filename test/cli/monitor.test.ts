import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { LEADER_KEY } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { actors } from '../monitor/world.ts';
import { template } from '../schedule/world.ts';
import { run, type RunOptions, type RunResult } from './run.ts';

/** A cluster of one node with a service that wants an instance. */
async function wanting(): Promise<(words: string, options?: RunOptions) => Promise<RunResult>> {
  const store = createMemoryStore();
  const people = actors(store);
  await people.node('n1');
  await people.publish('web', 1, template('one'));
  let ids = 0;
  const newId = (): string => (ids += 1).toString(16).padStart(8, 'a');
  return async (words, options) =>
    run(words.split(' '), { ...options, store, deps: { clock: systemClock, newId, host: 'n1' } });
}

describe('monitor --once', () => {
  it('shows on a terminal what it decided, and says when there is nothing to do', async () => {
    const sluice = await wanting();
    const first = await sluice('monitor --once', { terminal: true });
    expect({ code: first.code, lines: first.stdout.split('\n').map((line) => line.split(/ {2,}/)) }).toEqual({
      code: 0,
      lines: [
        ['SERVICE', 'DONE', 'WHAT', 'WHY'],
        ['web', 'yes', expect.stringMatching(/^start a+[0-9a-f]+ on n1$/), '0 of 1 instances'],
        [''],
      ],
    });
    const second = await sluice('monitor --once', { terminal: true });
    expect(second).toEqual({ code: 0, stdout: '', stderr: 'nothing to do\n' });
  });

  it('gives programs its decisions, and recommends without acting', async () => {
    const sluice = await wanting();
    const { code, stdout, stderr } = await sluice('monitor --once --mode recommend -o json');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'Decision',
      items: [{ service: 'web', done: false, what: 'would start new-1 on n1', by: 'n1', node: 'n1' }],
    });
    const acting = await sluice('monitor --once -o json');
    expect(JSON.parse(acting.stdout)).toMatchObject({ items: [{ done: true }] });
  });

  it('does nothing while another leads, and names it', async () => {
    const store = createMemoryStore();
    const leader = { node: 'n7', host: 'n7', pid: 1, since: '2026-01-01T00:00:00.000Z' };
    const put = { kind: 'put', key: LEADER_KEY, value: JSON.stringify(leader) } as const;
    await store.transact({ compares: [], operations: [put] });
    const { code, stdout, stderr } = await run(['monitor', '--once', '--node', 'n1'], {
      store,
      deps: { clock: systemClock },
    });
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    expect(stderr).toContain('nothing decided: node/n7 leads');
  });
});
