import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import type { LocalAgent } from '../../src/host/agent-status.ts';
import { publish } from '../../src/ops/publish.ts';
import { status } from '../../src/ops/status.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { admin, failure, nodeSays, putRaw, spec, START, world } from './world.ts';

const ENTRY = '10.96.0.10:80/tcp';
const LOCAL: LocalAgent = {
  node: 'n1',
  revision: 41,
  appliedAt: START,
  rulesHash: 'ab',
  connected: true,
  entries: 1,
  instances: 1,
  failures: [],
  pid: 7,
  running: true,
};
const codes = (findings: readonly { readonly code: string; readonly ref: string }[]): readonly string[] =>
  findings.map(({ code, ref }) => `${code} ${ref}`);

describe('status', () => {
  it('finds nothing in a cluster that is well', async () => {
    const { store, ann } = world();
    const { revision } = await publish(ann, [spec('web', ENTRY)]);
    await nodeSays(store, 'n1', { applied: revision });
    const report = await status(ann, { readLocal: () => Promise.resolve(LOCAL) });
    expect(report).toMatchObject({
      healthy: true,
      findings: [],
      agents: { reporting: 1, total: 1 },
      store: { reachable: true, latencyMs: 0, endpoints: [{ healthy: true }], error: undefined },
      services: [{ name: 'web', ready: 1 }],
      local: { node: 'n1' },
    });
  });

  it('finds silent, failing and lagging nodes, services without instances, and broken records', async () => {
    const { store, ann } = world();
    const { revision } = await publish(ann, [
      spec('web', ENTRY),
      spec('empty', '10.96.0.11:80', '10.0.0.9:1=0'),
    ]);
    await nodeSays(store, 'n1', { applied: revision });
    await nodeSays(store, 'n2', { applied: revision - 1 });
    await nodeSays(store, 'n3', { applied: revision, failures: ['no route to 10.96.0.10'] });
    await nodeSays(store, 'n4', { applied: 3, alive: false });
    await putRaw(store, { 'service/bad': '7' });
    const report = await status(ann);
    expect(codes(report.findings)).toEqual([
      'node-lagging node/n2',
      'node-failing node/n3',
      'node-silent node/n4',
      'no-ready-instance empty',
      'invalid-record service/bad',
    ]);
    expect(report.healthy).toBe(false);
    expect(report.agents).toEqual({ reporting: 3, total: 4 });
  });

  it('says of nodes which others reach their machines, and which do not any more', async () => {
    const { store, ann } = world();
    const { revision } = await publish(ann, [spec('web', ENTRY)]);
    const reaches = { n3: false, n4: true, n5: false };
    for (const name of ['n1', 'n2']) await nodeSays(store, name, { applied: revision, reaches });
    await nodeSays(store, 'n3', { applied: 3, alive: false });
    await nodeSays(store, 'n4', { applied: 3, alive: false });
    await nodeSays(store, 'n5', { applied: revision });
    const { findings, nodes } = await status(ann);
    expect(
      findings.map(({ code, ref, text }) => `${code} ${ref} ${text.replace(/ for at most \d+ s/, '')}`),
    ).toEqual([
      'node-silent node/n3 silent (applied 3); n1, n2 reach its machine no more: no connections to its instances',
      'node-silent node/n4 silent (applied 3); its machine answers n1, n2',
      'node-unreachable node/n5 its agent is there; n1, n2 reach its machine no more: no connections to its instances',
    ]);
    expect(nodes.map(({ reachedBy, outOfReachOf }) => [reachedBy, outOfReachOf])).toEqual([
      [[], []],
      [[], []],
      [[], ['n1', 'n2']],
      [['n1', 'n2'], []],
      [[], ['n1', 'n2']],
    ]);
  });

  it('stays healthy with warnings alone', async () => {
    const { store, ann } = world();
    const { revision } = await publish(ann, [spec('web', ENTRY)]);
    await nodeSays(store, 'n1', { applied: revision });
    await nodeSays(store, 'n2', { applied: 3, alive: false });
    expect(await status(ann)).toMatchObject({
      healthy: true,
      findings: [{ severity: 'warn', code: 'node-silent' }],
    });
  });

  it('finds that nobody forwards', async () => {
    const { ann } = world();
    await publish(ann, [spec('web', ENTRY)]);
    expect(codes((await status(ann)).findings)).toEqual(['no-live-agent agents']);
  });

  it('without the store still says since when the view of this node is stale', async () => {
    const store = createMemoryStore({ fault: () => ({ kind: 'unreachable' }) });
    const stale: LocalAgent = { ...LOCAL, connected: false, staleSince: '2026-01-02T03:03:05.000Z' };
    const report = await status(admin(store), { readLocal: () => Promise.resolve(stale), service: 'web' });
    expect(report.store.reachable).toBe(false);
    expect(codes(report.findings)).toEqual(['store-unreachable store', 'view-stale node/n1']);
    expect(report.findings[1]?.text).toBe(
      'stale since 2026-01-02T03:03:05.000Z (60 s): forwarding goes on with revision 41',
    );
    expect(report.healthy).toBe(false);
  });

  it('finds that the agent of this machine stopped, or that its file cannot be read', async () => {
    const { store, ann } = world();
    await nodeSays(store, 'n1', { applied: 1 });
    const stopped = await status(ann, { readLocal: () => Promise.resolve({ ...LOCAL, running: false }) });
    expect(codes(stopped.findings)).toEqual(['local-stopped node/n1']);
    const refused = new SluiceError('permission', 'cannot read "status.json"', { why: 'EACCES' });
    const unreadable = await status(ann, { readLocal: () => Promise.reject(refused) });
    expect(unreadable.findings).toMatchObject([
      { severity: 'warn', code: 'local-unreadable', text: 'cannot read "status.json": EACCES' },
    ]);
  });

  it('tells a failure of this node once, though its file and the store both have it', async () => {
    const { store, ann } = world();
    const failures = ['no route'];
    await nodeSays(store, 'n1', { applied: 1, failures });
    const report = await status(ann, { readLocal: () => Promise.resolve({ ...LOCAL, failures }) });
    expect(codes(report.findings)).toEqual(['node-failing node/n1']);
  });

  it('of one service shows that one, and does not know what is not there', async () => {
    const { ann } = world();
    await publish(ann, [spec('web', ENTRY), spec('api', '10.96.0.11:80', '')]);
    const report = await status(ann, { service: 'web' });
    expect(report.services.map(({ name }) => name)).toEqual(['web']);
    expect(codes(report.findings)).toEqual(['no-live-agent agents']);
    expect((await failure(status(ann, { service: 'wbe' }))).code).toBe('not-found');
  });
});
