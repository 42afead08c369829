import { describe, expect, it } from 'vitest';
import {
  decodeScalingRecord,
  decodeScalingState,
  encodeScalingRecord,
  encodeScalingState,
  scalingWords,
} from '../../src/model/records-scaling.ts';
import { explainScaling, limiterWords, whatWords, whyWords } from '../../src/model/scaling-words.ts';
import type { ScalingLimiter, ScalingOutcome } from '../../src/model/scaling.ts';
import { drive } from '../balance/scaled-service.ts';

const OUTCOME: ScalingOutcome = {
  from: 5,
  want: 12,
  final: 10,
  mode: 'act',
  ready: 5,
  coming: 1,
  proposals: [
    { metric: 'connections', target: 200, isStale: true, value: 0, needFast: 0, needSlow: 0, want: 5 },
    { metric: 'cpu', target: 0.7, isStale: false, value: 0.92, needFast: 11.8, needSlow: 6.04, want: 12 },
  ],
  limiter: { kind: 'rate', direction: 'up', periodSeconds: 15 },
  metric: 'cpu',
  nextSeconds: 13,
};
const scalingRecord = (decided: typeof DECIDED, outcome: ScalingOutcome) => ({
  ...decided,
  ...scalingWords(outcome),
});
const DECIDED = { service: 'web', at: '2026-01-31T09:30:00.123Z', by: 'n1' };

describe('a decision in words', () => {
  it('says what, why, what limited it and when it may become something else', () => {
    expect(whatWords(OUTCOME)).toBe('5 → 10 instances');
    expect(whyWords(OUTCOME)).toBe('cpu 92% of 70% wants 12; at most twice as many, or four more, in 15s');
    expect(explainScaling(scalingRecord(DECIDED, OUTCOME))).toEqual([
      '2026-01-31T09:30:00.123Z  5 → 10 instances (5 ready, 1 coming; decided on n1)',
      '  connections: not known',
      '  cpu 92% of 70%: needs 11.8 by the last 6s, 6.0 by the last minute; wants 12',
      '  limited by: at most twice as many, or four more, in 15s',
      '  next: in 13s at the earliest',
    ]);
  });

  it('tells advice from acts, and one instance from two', () => {
    expect(whatWords({ ...OUTCOME, mode: 'recommend' })).toBe('would be 5 → 10 instances');
    expect(whatWords({ ...OUTCOME, from: 1, final: 1 })).toBe('stays at 1 instance');
  });

  it.each<readonly [ScalingLimiter, string]>([
    [{ kind: 'none' }, 'nothing'],
    [{ kind: 'tolerance' }, 'within 10% above and 20% below'],
    [{ kind: 'pin', until: '2026-01-31T10:00:00Z' }, 'pinned by hand until 2026-01-31T10:00:00Z'],
    [{ kind: 'min', min: 2 }, 'no fewer than 2'],
    [{ kind: 'max', max: 20 }, 'no more than 20'],
    [{ kind: 'stale', metrics: ['cpu', 'queue'] }, 'too little is known of cpu, queue'],
    [{ kind: 'warming' }, 'ready for 10s'],
    [{ kind: 'stabilised', count: 7, agoSeconds: 41 }, '7 were wanted 41s ago'],
    [{ kind: 'rate', direction: 'down', periodSeconds: 30 }, 'a quarter fewer in 30s'],
    [{ kind: 'cooldown', direction: 'down', seconds: 90 }, '1m30s between two decreases'],
    [{ kind: 'flapping', reversals: 6 }, 'turned 6 times'],
  ])('has words for %j', (limiter, words) => {
    expect(limiterWords(limiter)).toContain(words);
  });
});

describe('the record of a decision', () => {
  it('comes back as it was written, unknown fields kept', () => {
    const record = scalingRecord(DECIDED, OUTCOME);
    expect(record).toMatchObject({ what: '5 → 10 instances', done: true, scaling: OUTCOME });
    const json = encodeScalingRecord(record, { newer: 1 });
    const decoded = decodeScalingRecord(DECIDED, json);
    expect(decoded?.value).toEqual(record);
    expect(encodeScalingRecord(record, decoded?.raw)).toBe(json);
  });

  it('takes what the decision itself returns, without its state', () => {
    const [decision] = drive({ to: 2, replicas: 4, load: () => ({ cpu: 0.9 }) });
    expect(decision).toBeDefined();
    if (decision === undefined) return;
    const json = encodeScalingRecord(scalingRecord(DECIDED, decision));
    expect(json).not.toContain('"state"');
    expect(decodeScalingRecord(DECIDED, json)?.value.scaling.final).toBe(6);
  });

  it('is not one of a decision about something else', () => {
    expect(
      decodeScalingRecord(DECIDED, '{"what":"started web-1","why":"1 of 2","done":true,"by":"n1"}'),
    ).toBeUndefined();
    expect(decodeScalingRecord(DECIDED, '{"aborted":true}')).toBeUndefined();
  });

  it.each([
    ['{"scaling":{}}', 'what'],
    [
      encodeScalingRecord(scalingRecord(DECIDED, OUTCOME)).replace('"final":10', '"final":-1'),
      'scaling.final',
    ],
    [encodeScalingRecord(scalingRecord(DECIDED, OUTCOME)).replace('"rate"', '"moon"'), 'scaling.limiter'],
    [encodeScalingRecord(scalingRecord(DECIDED, OUTCOME)).replace('92% of', '\\u001b[31m'), 'why'],
    ['[]', ''],
  ])('is refused if it is %s', (json, field) => {
    expect(() => decodeScalingRecord(DECIDED, json)).toThrow(
      expect.objectContaining({
        code: 'failed',
        details: expect.objectContaining({ field: expect.stringContaining(field) }),
      }),
    );
  });

  it('is refused under a key that is none', () => {
    const json = encodeScalingRecord(scalingRecord(DECIDED, OUTCOME));
    expect(() => decodeScalingRecord({ ...DECIDED, service: '../x' }, json)).toThrow(/not valid/);
    expect(() => decodeScalingRecord({ ...DECIDED, at: 'yesterday' }, json)).toThrow(/not valid/);
  });
});

describe('what is remembered', () => {
  const state = drive({
    to: 400,
    replicas: 6,
    load: (second) => ({ cpu: second < 100 ? 1 : 0.2, connections: 3, newConnections: 2 }),
  }).at(-1)?.state;

  it('comes back as it was written', () => {
    expect(state).toBeDefined();
    if (state === undefined) return;
    expect(decodeScalingState('scaling/web', encodeScalingState(state)).value).toEqual(state);
  });

  it('is refused if it holds nonsense', () => {
    const json = state === undefined ? '' : encodeScalingState(state);
    for (const bad of [
      json.replace('"replicas":', '"replicas":-'),
      json.replace('"isSaturated":false', '"isSaturated":0'),
      '{}',
    ])
      expect(() => decodeScalingState('scaling/web', bad)).toThrow(
        expect.objectContaining({ code: 'failed' }),
      );
  });
});
