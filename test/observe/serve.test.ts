import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAgentMeter } from '../../src/agent/meter.ts';
import { createMonitorMeter } from '../../src/monitor/meter.ts';
import { createMetricSet } from '../../src/observe/metric-set.ts';
import { type Serving, serveMetrics } from '../../src/observe/serve.ts';
import { silentLog } from '../harness/log.ts';

const metrics = createMetricSet({ figures: 'plain' });
const agent = createAgentMeter(metrics);
const monitor = createMonitorMeter(metrics);
let serving: Serving;
beforeAll(async () => {
  serving = await serveMetrics({ host: '127.0.0.1', port: 0, metrics, log: silentLog });
});
afterAll(async () => {
  await serving.close();
});

const ask = async (
  target: string,
  method = 'GET',
): Promise<{ readonly status: number; readonly text: string }> => {
  const answer = await fetch(`http://127.0.0.1:${serving.port}${target}`, { method });
  return { status: answer.status, text: await answer.text() };
};
const instance = (id: string, state: string) => ({ service: 'web', id, state, since: '', restarts: 0 });

describe('the figures of a daemon', () => {
  it('are an agent’s: what its rules show, what applies did and took, instances by state', async () => {
    agent.status({ revision: 41, connected: true, entries: 2, instances: 5, failures: ['one'] });
    agent.status({
      revision: 42,
      managed: [instance('a', 'ready'), instance('b', 'ready'), instance('c', 'failed')],
    });
    agent.applied({ unchanged: false, repaired: false, rulesWritten: 7, tookSeconds: 0.004 });
    agent.applied({ unchanged: true, repaired: false, rulesWritten: 0, tookSeconds: 0.1 });
    agent.failed();
    const { status, text } = await ask('/metrics');
    expect(status).toBe(200);
    for (const line of [
      'sluice_agent_revision 42',
      'sluice_agent_store_connected 1',
      'sluice_agent_entries 2',
      'sluice_agent_targets 5',
      'sluice_agent_failures 1',
      'sluice_agent_instances{state="ready"} 2',
      'sluice_agent_instances{state="failed"} 1',
      'sluice_agent_applies_total{result="changed"} 1',
      'sluice_agent_applies_total{result="unchanged"} 1',
      'sluice_agent_applies_total{result="failed"} 1',
      'sluice_agent_rules_written_total 7',
      'sluice_agent_apply_seconds_bucket{le="0.005"} 1',
      'sluice_agent_apply_seconds_count 1',
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).toMatch(/^process_cpu_seconds_total \d+(\.\d+)?$/m);
    // What is gone is not told any more.
    agent.status({ managed: [instance('a', 'ready')] });
    expect((await ask('/metrics')).text).not.toContain('state="failed"');
  });

  it('are a monitor’s: whether it leads, what it decided, how long it took', async () => {
    const round = { leads: true, connected: true, revision: 9, seconds: 0.003 };
    const decision = { at: '', service: 'web', what: '', why: '', by: 'n1' };
    monitor.looked({
      ...round,
      decisions: [
        { ...decision, done: true },
        { ...decision, done: false },
      ],
    });
    monitor.looked({ ...round, decisions: [{ ...decision, done: true }] });
    const { text } = await ask('/metrics');
    for (const line of [
      'sluice_monitor_leads 1',
      'sluice_monitor_store_connected 1',
      'sluice_monitor_revision 9',
      'sluice_monitor_decisions_total{done="true"} 2',
      'sluice_monitor_decisions_total{done="false"} 1',
      'sluice_monitor_round_seconds_count 2',
    ])
      expect(text.split('\n')).toContain(line);
  });

  it('stand beside the word that it lives, and nothing else is there', async () => {
    expect(await ask('/healthz')).toEqual({ status: 200, text: 'ok\n' });
    expect((await ask('/')).status).toBe(404);
    expect((await ask('/metrics?x=1')).status).toBe(404);
    expect((await ask('/metrics', 'POST')).status).toBe(405);
  });

  it('cannot be told where another listens', async () => {
    const options = { host: '127.0.0.1', port: serving.port, metrics, log: silentLog };
    await expect(serveMetrics(options)).rejects.toMatchObject({ code: 'config' });
  });
});
