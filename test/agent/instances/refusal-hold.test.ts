import { describe, expect, it, onTestFinished } from 'vitest';
import {
  addressesInService,
  HELD_AFTER_MS,
  HOLD_GATHER_MS,
  HOLD_RENEW_MS,
  startRefusalHold,
} from '../../../src/agent/instances/refusal-hold.ts';
import { newLife, type Phase } from '../../../src/agent/instances/life.ts';
import { SluiceError } from '../../../src/errors.ts';
import type { Address } from '../../../src/model/address.ts';
import { timingOf } from '../../../src/agent/instances/words.ts';
import { templateOf } from '../../../src/model/template-defaults.ts';
import { keptLog } from '../world.ts';
import { createVirtualClock } from '../../harness/virtual-clock.ts';

const at = (port: number): Address => ({ ip: '10.0.0.1', port });
const [A, B] = [at(1), at(2)];

/** A hold over a kernel that writes down what it was told: `SECONDS: ADDRESSES`. */
function start(): {
  readonly hold: ReturnType<typeof startRefusalHold>;
  readonly clock: ReturnType<typeof createVirtualClock>;
  readonly log: ReturnType<typeof keptLog>;
  readonly told: string[];
  readonly break: (why: string | undefined) => void;
} {
  const clock = createVirtualClock();
  const log = keptLog();
  const told: string[] = [];
  let broken: string | undefined;
  const refusals = {
    hold: async (addresses: readonly Address[]) => {
      const names = addresses.map(({ port }) => String(port)).toSorted();
      told.push(`${clock.monotonicMs() / 1_000}: ${names.join(' ')}`);
      if (broken !== undefined) throw new SluiceError('failed', 'nft refused', { why: broken });
    },
  };
  const hold = startRefusalHold({ refusals, clock, log });
  onTestFinished(hold.close);
  return { hold, clock, log, told, break: (why) => (broken = why) };
}

describe('what refusals are held back of', () => {
  it('are instances that clients may be led to: ready ones, and those on their way out whose process is untouched', () => {
    const phases: readonly Phase[] = [
      { kind: 'pending' },
      { kind: 'starting', until: 1, well: 0 },
      { kind: 'ready', since: 0, unwell: 0 },
      { kind: 'unwell', until: 1, well: 0 },
      { kind: 'ending' },
      { kind: 'failed', until: 1, loop: false },
      { kind: 'announcing' },
      { kind: 'acknowledging', revision: 1, until: 1, deadline: 1 },
      { kind: 'hook', deadline: 1 },
      { kind: 'connections', deadline: 1, none: 0 },
      { kind: 'resetting' },
      { kind: 'stopping' },
      { kind: 'stopped' },
    ];
    const template = templateOf({ command: ['/bin/x'] });
    const life = newLife(timingOf(template));
    const kinds = phases.filter(
      (phase) => addressesInService([{ life: { ...life, phase }, order: A }]).length > 0,
    );
    expect(kinds.map(({ kind }) => kind)).toEqual([
      'ready',
      'announcing',
      'acknowledging',
      'hook',
      'connections',
      'resetting',
    ]);
    const never = { life: { ...life, phase: { kind: 'announcing' } as const }, order: undefined };
    expect(addressesInService([never])).toEqual([]);
  });
});

describe('holding refusals back', () => {
  it('tells the kernel nothing before the first word, then once for all that came within a second', async () => {
    const { hold, clock, told } = start();
    await clock.advance(10_000);
    expect(told).toEqual([]);
    hold.inService([A]);
    await clock.advance(HOLD_GATHER_MS - 1);
    hold.inService([A, B]);
    await clock.advance(1);
    expect(told).toEqual(['11: 1 2']);
    hold.inService([B, A]);
    await clock.advance(30_000);
    expect(told).toEqual(['11: 1 2']);
  });

  it('says it again every minute, so that the kernel does not let go', async () => {
    const { hold, clock, told } = start();
    hold.inService([A]);
    await clock.advance(HOLD_GATHER_MS + 2 * HOLD_RENEW_MS);
    expect(told).toEqual(['1: 1', '61: 1', '121: 1']);
  });

  it('holds for a while what has left service, without a word to the kernel at its end, nor when it is soon back', async () => {
    const { hold, clock, told } = start();
    hold.inService([A, B]);
    await clock.advance(10_000);
    hold.inService([B]);
    await clock.advance(HELD_AFTER_MS - 1);
    hold.inService([A, B]);
    await clock.advance(10_000);
    expect(told).toEqual(['1: 1 2']);
    hold.inService([B]);
    await clock.advance(2_000);
    // Said again meanwhile, which does not make it longer.
    hold.inService([B]);
    await clock.advance(HELD_AFTER_MS - 2_001);
    expect(told).toEqual(['1: 1 2']);
    await clock.advance(1);
    expect(told).toEqual(['1: 1 2', `${(10_000 + HELD_AFTER_MS - 1 + 10_000 + HELD_AFTER_MS) / 1_000}: 2`]);
  });

  it('takes away what an earlier agent left where nothing is in service, and then rests', async () => {
    const { hold, clock, told } = start();
    hold.inService([]);
    await clock.advance(10 * HOLD_RENEW_MS);
    expect(told).toEqual(['1: ']);
  });

  it('writes at most once a second while instances come one by one', async () => {
    const { hold, clock, told } = start();
    for (let port = 1; port <= 50; port += 1) {
      hold.inService(Array.from({ length: port }, (_, index) => at(index + 1)));
      await clock.advance(100);
    }
    await clock.advance(1_000);
    expect(told.map((line) => line.split(': ')[0])).toEqual(['1', '2', '3', '4', '5']);
    expect(told.at(-1)?.split(' ')).toHaveLength(51);
  });

  it('tells a failure once, tries again a minute later, and says when it works again', async () => {
    const { hold, clock, told, log, ...kernel } = start();
    kernel.break('no such file');
    hold.inService([A]);
    await clock.advance(HOLD_GATHER_MS + 3 * HOLD_RENEW_MS - 1);
    expect(told).toEqual(['1: 1', '61: 1', '121: 1']);
    expect(log.lines.filter((line) => line.includes('not held back'))).toEqual([
      expect.stringContaining('no such file'),
    ]);
    kernel.break(undefined);
    await clock.advance(1);
    expect(told).toHaveLength(4);
    expect(log.lines.at(-1)).toContain('held back again');
  });

  it('takes away once more, later, what could not be taken away', async () => {
    const { hold, clock, told, ...kernel } = start();
    kernel.break('busy');
    hold.inService([]);
    await clock.advance(HOLD_GATHER_MS);
    kernel.break(undefined);
    await clock.advance(3 * HOLD_RENEW_MS);
    expect(told).toEqual(['1: ', '61: ']);
  });

  it('lets go of all when it is closed, and of nothing twice', async () => {
    const one = start();
    one.hold.inService([A]);
    await one.clock.advance(HOLD_GATHER_MS);
    await one.hold.close();
    expect(one.told).toEqual(['1: 1', '1: ']);
    one.hold.inService([A, B]);
    await one.clock.advance(HOLD_RENEW_MS);
    expect(one.told).toHaveLength(2);
    const none = start();
    none.hold.inService([]);
    await none.clock.advance(HOLD_GATHER_MS);
    await none.hold.close();
    expect(none.told).toEqual(['1: ']);
  });
});
