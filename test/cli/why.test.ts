/** Tests `why`. */
import { describe, expect, it } from 'vitest';
import { encodeComputedWeights } from '../../src/model/computed-weights.ts';
import { encodeDecision, encodeLeader } from '../../src/model/records-leader.ts';
import { encodeScalingRecord, scalingWords } from '../../src/model/records-scaling.ts';
import type { ScalingOutcome } from '../../src/model/scaling.ts';
import { decisionKey, LEADER_KEY, weightsKey } from '../../src/store/keys.ts';
import { putRaw, START } from '../ops/world.ts';
import { cluster, run, type RunResult } from './run.ts';

const OUTCOME: ScalingOutcome = {
  from: 2,
  want: 5,
  final: 4,
  mode: 'act',
  ready: 2,
  coming: 0,
  proposals: [
    { metric: 'cpu', target: 0.7, isStale: false, value: 0.92, needFast: 4.8, needSlow: 2.6, want: 5 },
  ],
  limiter: { kind: 'rate', direction: 'up', periodSeconds: 15 },
  metric: 'cpu',
  nextSeconds: 13,
};

async function world(): Promise<(words: string) => Promise<RunResult>> {
  const { store } = cluster();
  const sluice = async (words: string): Promise<RunResult> => run(words.split(' '), { store });
  await sluice('publish web --entry 10.96.0.10:80 --instance 10.0.1.11:80 --instance 10.0.1.12:80');
  await sluice('publish idle --entry 10.96.0.11:80 --instance 10.0.1.13:80');
  await putRaw(store, {
    [LEADER_KEY]: encodeLeader({ node: 'n1', host: 'h1', pid: 1, since: START }),
    [weightsKey('web')]: encodeComputedWeights({
      service: 'web',
      weights: new Map([
        ['10.0.1.11:80', { weight: 48, base: 1 }],
        ['10.0.1.12:80', { weight: 16, base: 1 }],
      ]),
      why: 'cpu 90%',
      at: '2026-01-02T03:00:00.000Z',
    }),
    [decisionKey('web', '2026-01-02T03:00:01.000Z')]: encodeDecision({
      service: 'web',
      at: '2026-01-02T03:00:01.000Z',
      what: 'start web-1 on n1',
      why: '1 of 2 instances',
      done: true,
      by: 'n1',
    }),
    [decisionKey('web', '2026-01-02T03:00:02.000Z')]: encodeScalingRecord({
      service: 'web',
      at: '2026-01-02T03:00:02.000Z',
      by: 'n1',
      ...scalingWords(OUTCOME),
    }),
    [decisionKey('web', '2026-01-02T03:00:03.000Z')]: '{"of":"another version"}',
  });
  return sluice;
}

describe('why', () => {
  it('shows weights and decisions with what they were made of, newest first', async () => {
    const sluice = await world();
    const { code, stdout } = await sluice('why web');
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual([
      'web: static; n1 decides',
      '2026-01-02T03:00:00.000Z  weights: 10.0.1.11:80 75%, 10.0.1.12:80 25%',
      '  because: cpu 90%',
      '2026-01-02T03:00:02.000Z  2 → 4 instances (2 ready; decided on n1)',
      '  cpu 92% of 70%: needs 4.8 by the last 6s, 2.6 by the last minute; wants 5',
      '  limited by: at most twice as many, or four more, in 15s',
      '  next: in 13s at the earliest',
      '2026-01-02T03:00:01.000Z  start web-1 on n1 (decided on n1)',
      '  because: 1 of 2 instances',
      '',
    ]);
    expect((await sluice('why web --last 2')).stdout).not.toContain('start web-1');
  });

  it('has all numbers as JSON, and says when there is nothing', async () => {
    const sluice = await world();
    const json: unknown = JSON.parse((await sluice('why web -o json')).stdout);
    expect(json).toMatchObject({
      kind: 'WhyList',
      items: [{ service: 'web', leader: 'n1', decisions: [{ scaling: OUTCOME }, { done: true }] }],
    });
    expect((await sluice('why idle')).stdout).toContain('no decision within a day');
    expect((await sluice('why nobody')).code).toBe(4);
    expect((await sluice('why web --last many')).code).toBe(64);
  });
});
