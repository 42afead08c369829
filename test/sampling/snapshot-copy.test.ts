import { describe, expect, it } from 'vitest';
import { createSnapshotCopy } from '../../src/sampling/snapshot-copy.ts';
import { startInformer } from '../../src/store/informer.ts';
import { AGENT_RANGE, nodeKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { publish } from '../../src/ops/publish.ts';
import { unpublish } from '../../src/ops/unpublish.ts';
import { admin, putRaw, spec } from '../ops/world.ts';
import { createVirtualClock } from '../harness/virtual-clock.ts';

describe('a copy of services and instances', () => {
  it('follows an informer, and is the same object while nothing of them changes', async () => {
    const clock = createVirtualClock();
    const store = createMemoryStore({ clock });
    const ann = admin(store);
    await publish(ann, [spec('web', '10.96.0.1:80')]);
    const copy = createSnapshotCopy();
    expect(copy.snapshot()).toBeUndefined();
    const informer = startInformer({
      store,
      range: AGENT_RANGE,
      clock,
      random: () => 0,
      onChange: (change) => copy.change(change, informer.items),
    });
    await clock.advance(100);
    const first = copy.snapshot();
    expect([...(first?.services.keys() ?? [])]).toEqual(['web']);
    await putRaw(store, { [nodeKey('n1')]: '{}' });
    await clock.advance(100);
    expect(copy.snapshot()).toBe(first);
    await publish(ann, [spec('api', '10.96.0.2:80')]);
    await clock.advance(100);
    expect([...(copy.snapshot()?.services.keys() ?? [])].toSorted()).toEqual(['api', 'web']);
    await unpublish(ann, ['web']);
    await clock.advance(100);
    expect([...(copy.snapshot()?.services.keys() ?? [])]).toEqual(['api']);
    expect(copy.snapshot()?.instances.has('web')).toBe(false);
    await informer.close();
  });
});
