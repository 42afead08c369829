import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runInstanceServer, type InstanceServer } from '../../../src/dev/instance-server.ts';
import type { LoadSpec } from '../../../src/dev/load/outcome.ts';
import { startLoad } from '../../../src/dev/load/start-load.ts';
import { waitUntil } from '../../../src/host/wait.ts';
import { programArgv } from '../../cluster/harness/programs.ts';

describe('the load generator as a process', () => {
  let server: InstanceServer;
  beforeAll(async () => {
    server = await runInstanceServer({ name: 'one', host: '127.0.0.1', port: 0 });
  });
  afterAll(async () => {
    await server.close();
  });
  const spec = (change: Partial<LoadSpec> = {}): LoadSpec => ({
    host: '127.0.0.1',
    port: server.port,
    pace: { kind: 'concurrency', connections: 4 },
    count: 200,
    durationMs: 20_000,
    slowMs: 20_000,
    timeoutMs: 20_000,
    ...change,
  });
  const worker = programArgv('load');

  it('delivers the counts of a run', async () => {
    const run = await startLoad(spec(), { worker });
    expect(await run.result).toMatchObject({ attempts: 200, outcomes: { ok: 200 }, instances: { one: 200 } });
  });

  it('delivers what it has when it is stopped', async () => {
    const before = server.stats().accepted;
    const run = await startLoad(spec({ pace: { kind: 'rate', perSecond: 50 }, count: 100_000 }), { worker });
    await waitUntil(() => server.stats().accepted > before + 3, {
      what: 'a few attempts',
      timeoutMs: 10_000,
    });
    const result = await run.stop();
    expect(result.attempts).toBeGreaterThan(3);
    expect(result.outcomes.ok).toBe(result.attempts);
  });

  it('fails with the words of the worker', async () => {
    const run = await startLoad(spec({ count: 0 }), { worker });
    await expect(run.result).rejects.toMatchObject({ code: 'failed' });
  });
});
