import { expect, it } from 'vitest';
import { createInformerCache } from '../../src/store/informer-cache.ts';
import type { KeyValue } from '../../src/store/store.ts';

const item = (key: string, value: string, modRevision = 3): KeyValue => ({
  key,
  value,
  createRevision: 2,
  modRevision,
  version: 1,
});

it('keeps the very objects of what a listing found as it was, and takes the rest anew', () => {
  const cache = createInformerCache('generation');
  const [same, other] = [item('a', '1'), item('b', '1')];
  cache.replace({ revision: 3, items: [same, other] });
  const changed = cache.replace({
    revision: 4,
    items: [item('a', '1'), item('b', '2', 4), item('c', '1', 4)],
  });
  expect(changed).toEqual(['b', 'c']);
  expect(cache.items.get('a')).toBe(same);
  expect(cache.items.get('b')).toEqual(item('b', '2', 4));
  expect([...cache.items.keys()]).toEqual(['a', 'b', 'c']);
});

it('takes another value of the same revision from a store that was set back', () => {
  const cache = createInformerCache('generation');
  cache.replace({ revision: 3, items: [item('a', '1')] });
  expect(cache.replace({ revision: 3, items: [item('a', '2')] })).toEqual(['a']);
  expect(cache.items.get('a')?.value).toBe('2');
});
