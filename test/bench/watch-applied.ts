/** Owns following the acknowledgements of all agents. */
import { systemClock } from '../../src/host/clock.ts';
import { decodeApplied } from '../../src/model/records-node.ts';
import { startInformer } from '../../src/store/informer.ts';
import { APPLIED } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';

/** Follows the acknowledgements, so that waiting for them costs the measured path nothing but one event each. */
export async function watchApplied(store: Store): Promise<{
  readonly until: (nodes: number, revision: number) => Promise<void>;
  readonly close: () => Promise<void>;
}> {
  const applied = new Map<string, number>();
  let onChange: (() => void) | undefined;
  const informer = startInformer({
    store,
    range: APPLIED,
    clock: systemClock,
    random: Math.random,
    onChange: ({ keys }) => {
      for (const key of keys) {
        const item = informer.items.get(key);
        const node = key.slice('applied/'.length);
        if (item !== undefined) applied.set(node, decodeApplied(node, item.value).value.revision);
      }
      onChange?.();
    },
  });
  await informer.synced(10_000);
  return {
    until: async (nodes, revision) =>
      await new Promise((resolve, reject) => {
        const timer = setTimeout(
          () => reject(new Error(`not all nodes have ${revision} after 20 s`)),
          20_000,
        );
        onChange = () => {
          if ([...applied.values()].filter((at) => at >= revision).length < nodes) return;
          clearTimeout(timer);
          resolve();
        };
        onChange();
      }),
    close: informer.close,
  };
}
