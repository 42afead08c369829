import { describe, expect, it } from 'vitest';
import { parseInstanceArgument } from '../../src/model/instance-argument.ts';
import { changeInstances } from '../../src/ops/change-instances.ts';
import { waitConverged } from '../../src/ops/converge.ts';
import { publish } from '../../src/ops/publish.ts';
import { unpublish } from '../../src/ops/unpublish.ts';
import { waitFor } from '../../src/ops/wait-for.ts';
import type { MemoryCall } from '../../src/store/memory/calls.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { admin, failure, nodeSays, remove, spec, world } from './world.ts';

const ENTRY = '10.96.0.10:80/tcp';
const WEB = { kind: 'service', service: 'web' } as const;
const LONG = { timeoutMs: 20_000 };
const SHORT = { timeoutMs: 30 };

describe('waiting for convergence', () => {
  it('ends when the last live agent has applied the revision', async () => {
    const { store, ann } = world();
    await nodeSays(store, 'n1', { applied: 10 });
    await nodeSays(store, 'n2', { applied: 9 });
    await nodeSays(store, 'n3', { applied: 1, alive: false });
    const seen: string[] = [];
    const result = await waitConverged(ann, 10, {
      ...LONG,
      onProgress: (now) => {
        seen.push(`${now.applied}/${now.nodes}`);
        if (now.applied === 1) void nodeSays(store, 'n2', { applied: 11 });
      },
    });
    expect(seen).toEqual(['1/2', '2/2']);
    expect(result).toMatchObject({
      outcome: 'converged',
      nodes: 2,
      applied: 2,
      pending: [],
      failed: [],
      revision: 10,
    });
  });

  it('says at once that there is no agent', async () => {
    const { store, ann } = world();
    await nodeSays(store, 'n1', { applied: 1, alive: false });
    expect(await waitConverged(ann, 5, LONG)).toMatchObject({ outcome: 'no-agents', nodes: 0 });
  });

  it('stops waiting for a node that dies, and waits for one that appears', async () => {
    const { store, ann } = world();
    await nodeSays(store, 'n1', { applied: 10 });
    await nodeSays(store, 'n2', { applied: 9 });
    const steps = [
      () => nodeSays(store, 'n3', { applied: 3 }),
      () => remove(store, 'node-alive/n2'),
      () => nodeSays(store, 'n3', { applied: 10 }),
    ];
    const seen: string[] = [];
    const result = await waitConverged(ann, 10, {
      ...LONG,
      onProgress: (now) => {
        const pending = now.pending.map(({ node }) => node).join();
        if (pending === seen.at(-1)) return;
        seen.push(pending);
        void steps.shift()?.();
      },
    });
    expect(seen).toEqual(['n2', 'n2,n3', 'n3', '']);
    expect(result).toMatchObject({ outcome: 'converged', nodes: 2 });
  });

  it('at the deadline says who is missing, and who failed', async () => {
    const { store, ann } = world();
    await nodeSays(store, 'n1', { applied: 10, failures: ['full'] });
    expect(await waitConverged(ann, 10, SHORT)).toMatchObject({
      outcome: 'failed',
      failed: [{ node: 'n1', failures: ['full'] }],
    });
    await nodeSays(store, 'n2', { applied: 9 });
    expect(await waitConverged(ann, 10, SHORT)).toMatchObject({
      outcome: 'timeout',
      applied: 0,
      pending: [{ node: 'n2', appliedRevision: 9 }],
    });
  });

  it('goes on when the watch breaks and the store is away for a while', async () => {
    let away = 0;
    const store = createMemoryStore({
      fault: (call: MemoryCall) => (call === 'list' && away-- > 0 ? { kind: 'unreachable' } : undefined),
    });
    const ann = admin(store);
    await nodeSays(store, 'n1', { applied: 9 });
    const result = await waitConverged(ann, 10, {
      ...LONG,
      onProgress: (now) => {
        if (now.applied > 0) return;
        // After the watches were opened, since those are what breaks.
        setImmediate(() => {
          away = 2;
          store.cutWatches('test');
          void nodeSays(store, 'n1', { applied: 10 });
        });
      },
    });
    expect(result.outcome).toBe('converged');
    expect(away).toBeLessThan(0);
  });

  it('ends with an error when the store cannot be read at the start, or on an interrupt', async () => {
    const gone = admin(createMemoryStore({ fault: () => ({ kind: 'unreachable' }) }));
    expect((await failure(waitConverged(gone, 1, LONG))).code).toBe('unavailable');
    const { store, ann } = world();
    await nodeSays(store, 'n1', { applied: 1 });
    const stop = new AbortController();
    const waiting = waitConverged(ann, 9, { ...LONG, signal: stop.signal, onProgress: () => stop.abort() });
    expect((await failure(waiting)).code).toBe('interrupted');
    expect((await failure(waitConverged(ann, 9, { ...LONG, signal: stop.signal }))).code).toBe('interrupted');
  });
});

describe('waiting for a thing', () => {
  it('converged: its last change is on every live node', async () => {
    const { store, ann } = world();
    const { revision } = await publish(ann, [spec('web', ENTRY)]);
    expect(await waitFor(ann, WEB, { ...LONG, condition: { kind: 'converged' } })).toMatchObject({
      met: false,
      now: 'no agent is alive',
    });
    await nodeSays(store, 'n1', { applied: revision });
    const met = await waitFor(
      ann,
      { kind: 'instance', service: 'web', id: '10.0.1.11:8080' },
      { ...LONG, condition: { kind: 'converged' } },
    );
    expect(met).toMatchObject({ met: true, revision, now: `revision ${revision} on 1/1 nodes` });
    const node = { kind: 'node', node: 'n1' } as const;
    await publish(ann, [spec('api', '10.96.0.11:80')]);
    const behind = await waitFor(ann, node, { ...SHORT, condition: { kind: 'converged' } });
    expect(behind).toMatchObject({ met: false, now: `applied ${revision} of ${revision + 2}` });
    expect((await waitFor(ann, node, { ...LONG, condition: { kind: 'healthy' } })).met).toBe(true);
  });

  it('instances=N: counts those that get connections, as they come and go', async () => {
    const { ann, bob } = world();
    await publish(ann, [spec('web', ENTRY, '10.0.1.11:8080 10.0.1.12:8080=0')]);
    const seen: string[] = [];
    const result = await waitFor(ann, WEB, {
      ...LONG,
      condition: { kind: 'instances', count: 2 },
      onProgress: (now) => {
        seen.push(now);
        const instances = [parseInstanceArgument('10.0.1.12:8080=5')];
        if (seen.length === 1) void changeInstances(bob, { kind: 'set', service: 'web', instances });
      },
    });
    expect(result.met).toBe(true);
    expect(seen).toEqual(['1 of 2 instances ready', '2 of 2 instances ready']);
  });

  it('healthy: needs a ready instance', async () => {
    const { ann } = world();
    await publish(ann, [spec('web', ENTRY, '10.0.1.11:8080=0')]);
    expect(await waitFor(ann, WEB, { ...SHORT, condition: { kind: 'healthy' } })).toMatchObject({
      met: false,
      now: '0 of 1 instances ready',
    });
    await publish(ann, [spec('web', ENTRY)]);
    expect((await waitFor(ann, WEB, { ...LONG, condition: { kind: 'healthy' } })).met).toBe(true);
  });

  it('is not found when it is not there, or goes away', async () => {
    const { ann, bob } = world();
    const condition = { kind: 'instances', count: 9 } as const;
    expect((await failure(waitFor(ann, WEB, { ...LONG, condition }))).code).toBe('not-found');
    expect((await failure(waitFor(ann, WEB, { ...LONG, condition: { kind: 'converged' } }))).code).toBe(
      'not-found',
    );
    await publish(ann, [spec('web', ENTRY)]);
    const gone = waitFor(ann, WEB, { ...LONG, condition, onProgress: () => void unpublish(bob, ['web']) });
    expect((await failure(gone)).code).toBe('not-found');
  });

  it('refuses a number of instances of what has none', async () => {
    const { ann } = world();
    const waiting = waitFor(
      ann,
      { kind: 'node', node: 'n1' },
      { ...LONG, condition: { kind: 'instances', count: 1 } },
    );
    expect((await failure(waiting)).code).toBe('usage');
  });
});
