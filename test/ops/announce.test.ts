import { describe, expect, it } from 'vitest';
import { encodeHolder, encodeNode } from '../../src/model/records-node.ts';
import { describe as describeThing } from '../../src/ops/describe.ts';
import { checkSpecs } from '../../src/ops/entry-limits.ts';
import { publish } from '../../src/ops/publish.ts';
import { status } from '../../src/ops/status.ts';
import { planPublish } from '../../src/plan/publish.ts';
import { summaryLines } from '../../src/plan/summary.ts';
import { holderKey, nodeKey } from '../../src/store/keys.ts';
import { nodeSays, putRaw, spec, START, world } from './world.ts';

const ENTRIES = '10.0.0.100:80 10.0.0.100:80/udp [fd00::100]:80';
const WEB = { ...spec('web', ENTRIES), announce: true };
const MACHINE = { addresses: [], listening: new Set<string>() };

describe('an announced service', () => {
  it('tells who answers for each of its addresses, and status finds those that nobody answers for', async () => {
    const { store, ann } = world();
    const { revision } = await publish(ann, [WEB]);
    await nodeSays(store, 'n2', { applied: revision });
    await putRaw(store, { [holderKey('10.0.0.100')]: encodeHolder({ node: 'n2', since: START }) });
    const { description } = await describeThing(ann, { kind: 'service', service: 'web' });
    expect(description).toMatchObject({
      service: {
        announce: true,
        announcers: [
          { ip: '10.0.0.100', node: 'n2' },
          { ip: 'fd00::100', node: undefined },
        ],
      },
    });
    expect((await status(ann)).findings).toEqual([
      {
        severity: 'error',
        code: 'not-answered',
        ref: 'web',
        text: expect.stringContaining('fd00::100'),
      },
    ]);
    await putRaw(store, { [holderKey('fd00::100')]: encodeHolder({ node: 'n2', since: START }) });
    expect((await status(ann)).findings).toEqual([]);
  });

  it('is changed back by publishing it without the wish, which the plan says', async () => {
    const { ann, store } = world();
    await publish(ann, [WEB]);
    expect((await publish(ann, [WEB])).results[0]).toMatchObject({ outcome: 'unchanged' });
    const { announce, ...without } = WEB;
    expect(announce).toBe(true);
    expect((await publish(ann, [without])).results[0]).toMatchObject({ outcome: 'updated' });
    expect((await store.get('service/web')).item?.value).not.toContain('announce');
  });

  it('is not warned of for lying in the network of a node, but for lying in none', async () => {
    const { store } = world();
    const facts = { cpus: 1, memoryBytes: 1, version: '1', kernel: '6', dataplane: 'x', startedAt: START };
    const links = { addresses: ['10.0.0.1'], networks: ['10.0.0.1/24'] };
    await putRaw(store, { [nodeKey('n1')]: encodeNode({ name: 'n1', ...links, ...facts }) });
    const check = async (entry: string, announce: boolean): Promise<readonly string[]> =>
      checkSpecs(store, [{ ...spec('web', entry), announce }], { machine: MACHINE });
    expect(await check('10.0.0.100:80', true)).toEqual([]);
    expect(await check('10.0.0.100:80', false)).toEqual([expect.stringContaining('--announce')]);
    expect(await check('10.96.0.1:80', true)).toEqual([expect.stringContaining('in no network of a node')]);
    expect(await check('10.96.0.1:80', false)).toEqual([]);
  });

  it('has its change in the summary', () => {
    const service = { ...spec('web', '10.0.0.100:80'), origin: 'static', createdAt: START } as const;
    const { instances, ...value } = service;
    expect(instances).toHaveLength(1);
    const stored = {
      service: { value, createRevision: 1, modRevision: 1, raw: {} },
      instances: [],
    };
    const plan = planPublish({
      spec: { ...spec('web', '10.0.0.100:80', ''), announce: true },
      stored,
      revision: 1,
      now: START,
    });
    expect(summaryLines(plan)).toEqual([
      { sign: '~', subject: 'service web', detail: 'announce false → true' },
    ]);
  });
});
