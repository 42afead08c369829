import { describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/open.ts';

describe('opening the store', () => {
  it('names its servers and connects nothing', async () => {
    const store = await openStore({ endpoints: ['127.0.0.1:1', '127.0.0.1:2'] });
    expect(store.description).toBe('etcd http://127.0.0.1:1,http://127.0.0.1:2');
    await store.close();
  });

  it.each([
    [{ prefix: 'sluice/' }, '--prefix'],
    [{ prefix: '/sluice' }, '--prefix'],
    [{ cert: '/none.pem' }, '--cert and --key'],
    [{ username: 'root' }, '--user and --password-file'],
    [{ passwordFile: '/none' }, '--user and --password-file'],
    [{ cacert: '/none/ca.pem' }, '--cacert'],
    [{ username: 'root', passwordFile: '/none/password' }, '--password-file'],
  ])('refuses %j and names %s', async (config, flag) => {
    await expect(openStore({ endpoints: ['127.0.0.1:1'], ...config })).rejects.toMatchObject({
      code: 'config',
      details: { flag },
    });
  });
});
