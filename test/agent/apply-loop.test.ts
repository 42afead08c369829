import { describe, expect, it } from 'vitest';
import { type ApplyJob, type ApplyLoop, startApplyLoop } from '../../src/agent/apply-loop.ts';
import type { ApplyReport, Dataplane } from '../../src/dataplane/dataplane.ts';
import { SluiceError } from '../../src/errors.ts';
import { createVirtualClock, type VirtualClock } from '../harness/virtual-clock.ts';

const REPORT: ApplyReport = {
  chainsChanged: 1,
  chainsRemoved: 0,
  rulesWritten: 1,
  routesChanged: 0,
  unchanged: false,
  rulesHash: 'abc',
  failures: [],
};

interface Bench {
  readonly clock: VirtualClock;
  readonly loop: ApplyLoop;
  /** What the dataplane was asked, and when. */
  readonly calls: string[];
  readonly failed: string[];
  readonly submit: (revision: number) => void;
  /** Of each apply, whether it repaired what somebody else had changed. */
  readonly repaired: readonly boolean[];
  /** From now on jobs ask for rules of this hash. */
  readonly askFor: (hash: string) => void;
}

/** A loop over a dataplane whose every apply takes `applyMs`, and fails while `fails` says so. */
function bench(applyMs: number, fails: () => boolean = () => false, failures: readonly string[] = []): Bench {
  const clock = createVirtualClock();
  const calls: string[] = [];
  const failed: string[] = [];
  let made = 0;
  let rulesHash = 'abc';
  const repaired: boolean[] = [];
  const dataplane: Dataplane = {
    name: 'test',
    adopt: async () => void calls.push(`adopt@${clock.monotonicMs()}`),
    apply: async () => {
      const startedMs = clock.monotonicMs();
      await clock.sleep(applyMs);
      calls.push(`apply ${made}@${startedMs}`);
      if (fails()) throw new SluiceError('failed', 'the kernel refused');
      return { ...REPORT, failures, rulesHash };
    },
    dump: async () => '',
    counters: async () => [],
    cleanup: async () => {},
  };
  const loop = startApplyLoop(
    dataplane,
    {
      onApplied: (_, __, report) => void repaired.push(report.repaired),
      onFailed: (job, error) => failed.push(`${job.revision}: ${error.message}`),
    },
    clock,
  );
  const submit = (revision: number): void => {
    const job: ApplyJob = {
      revision,
      ruleset: () => {
        made = revision;
        return { entries: [] };
      },
      facts: {},
      failures: [],
    };
    loop.submit(job);
  };
  const askFor = (hash: string): void => void (rulesHash = hash);
  return { clock, loop, calls, failed, submit, repaired, askFor };
}

describe('the apply loop', () => {
  it('applies the first change at once', async () => {
    const { clock, calls, submit } = bench(0);
    submit(1);
    await clock.advance(0);
    expect(calls).toEqual(['apply 1@0']);
  });

  it('applies at most once per 20 ms, with the latest state, under a storm', async () => {
    const { clock, calls, submit } = bench(5);
    for (let revision = 1; revision <= 100; revision += 1) {
      submit(revision);
      await clock.advance(1);
    }
    await clock.advance(100);
    expect(calls).toEqual([
      'apply 1@0',
      'apply 20@20',
      'apply 40@40',
      'apply 60@60',
      'apply 80@80',
      'apply 100@100',
    ]);
  });

  it('never runs two applies at a time, however slow the kernel is', async () => {
    const { clock, calls, submit } = bench(300);
    for (let revision = 1; revision <= 10; revision += 1) {
      submit(revision);
      await clock.advance(50);
    }
    await clock.advance(1_000);
    expect(calls).toEqual(['apply 1@0', 'apply 6@300', 'apply 10@600']);
  });

  it('reads the kernel back and tries again with growing pauses while the kernel refuses', async () => {
    let failures = 3;
    const { clock, calls, failed, submit } = bench(0, () => (failures -= 1) >= 0);
    submit(7);
    await clock.advance(2_000);
    expect(calls).toEqual([
      'apply 7@0',
      'adopt@100',
      'apply 7@100',
      'adopt@300',
      'apply 7@300',
      'adopt@700',
      'apply 7@700',
    ]);
    expect(failed).toEqual(['7: the kernel refused', '7: the kernel refused', '7: the kernel refused']);
  });

  it('tries again every 5 s while part of the state cannot be applied', async () => {
    const { clock, calls, submit } = bench(0, () => false, ['no route']);
    submit(1);
    await clock.advance(11_000);
    expect(calls).toEqual(['apply 1@0', 'apply 1@5000', 'apply 1@10000']);
  });

  it('gives up a refused state for a newer one', async () => {
    let failures = 1;
    const { clock, calls, submit } = bench(10, () => (failures -= 1) >= 0);
    submit(1);
    await clock.advance(5);
    submit(2);
    await clock.advance(1_000);
    expect(calls).toEqual(['apply 1@0', 'adopt@110', 'apply 2@110']);
  });

  it('reads the kernel back and applies the last state again on resync', async () => {
    const { clock, loop, calls, submit } = bench(0);
    submit(1);
    await clock.advance(100);
    void loop.resync();
    await clock.advance(100);
    expect(calls).toEqual(['apply 1@0', 'adopt@100', 'apply 1@100']);
  });

  it('takes for repaired what differed from a job that asks for what it had asked for, and nothing else', async () => {
    const { clock, loop, submit, repaired, askFor } = bench(0);
    submit(1);
    await clock.advance(100);
    void loop.resync();
    await clock.advance(100);
    askFor('def');
    void loop.resync();
    await clock.advance(100);
    expect(repaired).toEqual([false, true, false]);
  });

  it('lets a running apply finish when it is closed, and starts none after', async () => {
    const { clock, loop, calls, submit } = bench(50);
    submit(1);
    await clock.advance(10);
    submit(2);
    const closed = loop.close();
    await clock.advance(1_000);
    await closed;
    submit(3);
    await clock.advance(1_000);
    expect(calls).toEqual(['apply 1@0']);
  });
});
