import { describe, expect, it } from 'vitest';
import { createAgentMeter } from '../../src/agent/meter.ts';
import { loadSnapshot } from '../../src/agent/saved-snapshot.ts';
import { memoryDataplane } from '../../src/dataplane/memory.ts';
import { readAgentStatus } from '../../src/host/agent-status.ts';
import { waitUntil } from '../../src/host/wait.ts';
import { decodeApplied, decodeNode } from '../../src/model/records-node.ts';
import { createMetricSet } from '../../src/observe/metric-set.ts';
import { publish } from '../../src/ops/publish.ts';
import { unpublish } from '../../src/ops/unpublish.ts';
import { appliedKey, instanceKey, nodeAliveKey, nodeKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { admin, putRaw, spec } from '../ops/world.ts';
import { startMemoryAgent, stateDirectory } from './world.ts';

describe('the agent', () => {
  it('forwards what is published, acknowledges its revision, and stops forwarding what is unpublished', async () => {
    const store = createMemoryStore();
    const agent = await startMemoryAgent({ stateDir: await stateDirectory(), store });
    const { revision } = await publish(admin(store), [
      spec('web', '10.96.0.10:80', '10.0.1.11:8080 10.0.1.12:8080=3'),
    ]);
    const rules = await agent.rules((text) => text.includes('10.0.1.12:8080'));
    expect(rules).toContain('local 10.96.0.10 dev lo src 10.77.0.1');
    const applied = await waitUntil(
      async () => {
        const { item } = await store.get(appliedKey('n1'));
        const value = item === undefined ? undefined : decodeApplied('n1', item.value).value;
        return value !== undefined && value.revision >= revision ? value : undefined;
      },
      { what: 'the acknowledgement', timeoutMs: 5_000 },
    );
    expect(applied).toMatchObject({ revision, entries: 1, instances: 2, failures: [] });
    await unpublish(admin(store), ['web']);
    await agent.rules((text) => !text.includes('10.0.1.12:8080'));
  });

  it('tells whoever watches its figures what it applied', async () => {
    const store = createMemoryStore();
    const metrics = createMetricSet({ figures: 'plain' });
    const place = { stateDir: await stateDirectory(), store, meter: createAgentMeter(metrics) };
    const agent = await startMemoryAgent(place);
    const { revision } = await publish(admin(store), [spec('web', '10.96.0.10:80', '10.0.1.11:8080')]);
    await agent.rules((text) => text.includes('10.0.1.11:8080'));
    await waitUntil(
      async () => (await metrics.text()).includes(`sluice_agent_revision ${revision}\n`) || undefined,
      {
        what: 'the revision among the figures',
        timeoutMs: 5_000,
      },
    );
    const text = await metrics.text();
    expect(text).toMatch(/^sluice_agent_apply_seconds_count [1-9]/m);
    expect(text).toMatch(/^sluice_agent_targets 1$/m);
    expect(text).toMatch(/^sluice_agent_store_connected 1$/m);
  });

  it('announces its node, keeps what others wrote into its facts, and takes the marker back when it stops', async () => {
    const store = createMemoryStore();
    await putRaw(store, { [nodeKey('n1')]: JSON.stringify({ ...factsRecord(), cordoned: true }) });
    const agent = await startMemoryAgent({ stateDir: await stateDirectory(), store });
    await waitUntil(async () => (await store.get(nodeAliveKey('n1'))).item, {
      what: 'the marker',
      timeoutMs: 5_000,
    });
    const { item } = await store.get(nodeKey('n1'));
    expect(decodeNode('n1', item?.value ?? '').raw).toMatchObject({
      cordoned: true,
      addresses: ['10.77.0.1'],
    });
    await agent.stop();
    const other = createMemoryStore({ backend: store.backend });
    expect((await other.get(nodeAliveKey('n1'))).item).toBeUndefined();
  });

  it('leaves the rules as they are when it stops', async () => {
    const store = createMemoryStore();
    const agent = await startMemoryAgent({ stateDir: await stateDirectory(), store });
    await publish(admin(store), [spec('web', '10.96.0.10:80')]);
    const rules = await agent.rules((text) => text.includes('10.0.1.11:8080'));
    await agent.stop();
    expect(await agent.dataplane.dump()).toBe(rules);
  });

  it('reports a record that cannot be read, and goes on forwarding what was good before', async () => {
    const store = createMemoryStore();
    const agent = await startMemoryAgent({ stateDir: await stateDirectory(), store });
    await publish(admin(store), [spec('web', '10.96.0.10:80')]);
    await agent.rules((text) => text.includes('10.0.1.11:8080'));
    const key = instanceKey('web', '10.0.1.11:8080');
    const revision = await putRaw(store, { [key]: '{"address":"10.0.1.11:8080\\n-P INPUT DROP"}' });
    const applied = await waitUntil(
      async () => {
        const { item } = await store.get(appliedKey('n1'));
        const value = item === undefined ? undefined : decodeApplied('n1', item.value).value;
        return value !== undefined && value.revision >= revision ? value : undefined;
      },
      { what: 'the acknowledgement', timeoutMs: 5_000 },
    );
    expect(applied.failures.join()).toContain(key);
    expect(await agent.dataplane.dump()).toContain('10.0.1.11:8080');
    expect(agent.log.lines.filter((line) => line.startsWith('error not applied'))).toHaveLength(1);
  });

  it('puts its rules back when asked to resync after a stranger removed them', async () => {
    const store = createMemoryStore();
    const agent = await startMemoryAgent({ stateDir: await stateDirectory(), store });
    await publish(admin(store), [spec('web', '10.96.0.10:80')]);
    const rules = await agent.rules((text) => text.includes('10.0.1.11:8080'));
    await memoryDataplane(agent.dataplane.kernel).cleanup();
    expect(await agent.dataplane.dump()).not.toContain('10.0.1.11');
    agent.hangUp();
    expect(await agent.rules((text) => text.includes('10.0.1.11:8080'))).toBe(rules);
  });

  it('says in its status file since when its view is stale, and forwards from disk without a store', async () => {
    const stateDir = await stateDirectory();
    let away = false;
    const store = createMemoryStore({ fault: () => (away ? { kind: 'unreachable' } : undefined) });
    const first = await startMemoryAgent({ stateDir, store });
    const { revision } = await publish(admin(store), [spec('web', '10.96.0.10:80')]);
    const rules = await first.rules((text) => text.includes('10.0.1.11:8080'));
    away = true;
    store.cutWatches('test');
    const status = await waitUntil(
      async () => {
        const found = await readAgentStatus(stateDir);
        return found?.connected === false ? found : undefined;
      },
      { what: 'the stale status', timeoutMs: 5_000 },
    );
    expect(status).toMatchObject({ node: 'n1', revision, connected: false, running: true });
    expect(status.staleSince).toMatch(/^\d{4}-/);
    await first.stop();

    const saved = await loadSnapshot(stateDir);
    expect(saved?.revision).toBe(revision);
    const again = createMemoryStore({
      backend: store.backend,
      fault: () => (away ? { kind: 'unreachable' } : undefined),
    });
    const second = await startMemoryAgent({ stateDir, store: again, saved });
    expect(await second.rules((text) => text.includes('10.0.1.11:8080'))).toBe(rules);
    await waitUntil(async () => (await readAgentStatus(stateDir))?.staleSince === saved?.savedAt, {
      what: 'the status to tell how old the saved snapshot is',
      timeoutMs: 5_000,
    });

    away = false;
    await publish(admin(again, 'bob'), [spec('api', '10.96.0.11:80', '10.0.1.13:8080')]);
    await second.rules((text) => text.includes('10.0.1.13:8080') && text.includes('10.0.1.11:8080'));
  });

  it('follows a store that was set back to a backup, and says so', async () => {
    const stateDir = await stateDirectory();
    const old = createMemoryStore();
    const first = await startMemoryAgent({ stateDir, store: old });
    await publish(admin(old), [spec('a', '10.96.0.10:80'), spec('b', '10.96.0.11:80', '10.0.1.12:8080')]);
    await first.rules((text) => text.includes('10.0.1.12:8080'));
    await first.stop();

    const restored = createMemoryStore();
    await publish(admin(restored), [spec('a', '10.96.0.10:80')]);
    const saved = await loadSnapshot(stateDir);
    const second = await startMemoryAgent({ stateDir, store: restored, dataplane: first.dataplane, saved });
    await second.rules((text) => text.includes('10.0.1.11:8080') && !text.includes('10.0.1.12:8080'));
    expect(second.log.lines.join('\n')).toContain('warn the store was set back');
  });
});

/** A node record of an earlier life. */
function factsRecord(): object {
  return {
    addresses: ['10.77.0.1'],
    cpus: 1,
    memoryBytes: 1,
    version: '0.9.0',
    kernel: '6.0',
    dataplane: 'memory',
    startedAt: '2025-01-01T00:00:00.000Z',
  };
}
