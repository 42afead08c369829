import { describe, expect, it } from 'vitest';
import { openStore } from '../../src/store/open.ts';

describe('opening the store', () => {
  it('names its servers and connects nothing', async () => {
    const store = await openStore({ endpoints: ['127.0.0.1:1', '127.0.0.1:2'] });
    expect(store.description).toBe('etcd http://127.0.0.1:1,http://127.0.0.1:2');
    await store.close();
  });

  it('names API servers', async () => {
    const store = await openStore({ endpoints: [], servers: ['127.0.0.1', 'http://[::1]:1'] });
    expect(store.description).toBe('API server http://127.0.0.1:7070,http://[::1]:1');
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
    [{ tokenFile: '/none/token' }, '--token-file and --server'],
    [{ servers: ['127.0.0.1:1'], tokenFile: '/none/token' }, '--token-file'],
    [{ servers: ['127.0.0.1:1'], tokenFile: '/dev/null' }, '--token-file'],
    [{ servers: ['127.0.0.1:1'], prefix: '/x/' }, '--prefix'],
    [{ servers: ['127.0.0.1:1'], username: 'root' }, '--user and --password-file'],
  ])('refuses %j and names %s', async (config, flag) => {
    await expect(openStore({ endpoints: ['127.0.0.1:1'], ...config })).rejects.toMatchObject({
      code: 'config',
      details: { flag },
    });
  });
});
