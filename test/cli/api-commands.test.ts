import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseTokenText } from '../../src/model/token-text.ts';
import { prefixRange } from '../../src/store/keys.ts';
import { cluster } from './run.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-token-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const newId = (): (() => string) => {
  let id = 0;
  return () => (id += 1).toString(16).padStart(16, '0');
};

describe.each([true, false])('token (on a terminal: %s)', (terminal) => {
  const options = { terminal, deps: { newId: newId() } };

  it('is made, shown once, listed without its secret, and revoked', async () => {
    const { store, sluice } = cluster();
    const made = await sluice('token create --role node --name n1', options);
    expect(made).toMatchObject({ code: 0, stderr: expect.stringContaining('only its hash is kept') });
    const token = parseTokenText(made.stdout.trim());
    expect(token?.secret).toBe('s'.repeat(43));
    const list = await sluice('token list', options);
    expect(list.stdout).toMatch(new RegExp(`${token?.id} +n1 +node +\\S+ +-`));
    const { items } = await store.list(prefixRange('access/'));
    expect(`${list.stdout}${JSON.stringify(items)}`).not.toContain('s'.repeat(43));
    const revoked = await sluice(`token revoke ${token?.id} --reason gone`, options);
    expect(revoked).toMatchObject({ code: 0, stdout: `token/${token?.id} revoked\n` });
    expect((await sluice('token list -o name', options)).stdout).toBe('');
    const audits = (await store.list(prefixRange('audit/'))).items.map(({ value }): unknown =>
      JSON.parse(value),
    );
    const subject = `access/${token?.id}`;
    expect(audits).toHaveLength(2);
    expect(audits).toContainEqual(expect.objectContaining({ actor: 'ann', subject, outcome: 'created' }));
    expect(audits).toContainEqual(expect.objectContaining({ subject, outcome: 'deleted', reason: 'gone' }));
  });
});

describe('token', () => {
  const options = { deps: { newId: newId() } };

  it('goes into a new file of its own, readable by nobody else', async () => {
    const { store, sluice } = cluster();
    const file = path.join(folder, 'n1.token');
    const made = await sluice(
      `token create --role node --name n1 --expires 1h --out ${file} -o json`,
      options,
    );
    expect(made.code).toBe(0);
    expect(JSON.parse(made.stdout)).toMatchObject({ kind: 'Token', items: [{ role: 'node', name: 'n1' }] });
    expect(made.stdout).not.toContain('s'.repeat(43));
    expect(parseTokenText((await readFile(file, 'utf8')).trim())).toBeDefined();
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    const again = await sluice(`token create --role node --name n1 --out ${file}`, options);
    expect(again).toMatchObject({ code: 78, stderr: expect.stringContaining('does not exist yet') });
    expect((await store.count(prefixRange('access/'))).count).toBe(1);
  });

  it('is not made by a dry run, with a wrong name, or without a role', async () => {
    const { store, sluice } = cluster();
    expect(await sluice('token create --role viewer --name x --dry-run', options)).toMatchObject({
      code: 0,
      stderr: 'nothing was written\n',
    });
    expect((await sluice('token create --role viewer --name X', options)).code).toBe(65);
    expect((await sluice('token create --name x', options)).code).toBe(64);
    expect((await sluice('token create --role god --name x', options)).code).toBe(64);
    expect((await sluice('token revoke 0000000000000000', options)).code).toBe(4);
    expect((await store.count(prefixRange('access/'))).count).toBe(0);
  });
});

describe('apiserver', () => {
  it.each([
    ['--listen 0.0.0.0:7070', '--insecure'],
    ['--listen 10.0.0.1:7070 --anonymous viewer', '--insecure'],
    ['--listen [::]:7070', '--insecure'],
    ['--listen everywhere', '--listen'],
    ['--listen 127.0.0.1:99999', '--listen'],
    ['--tls-cert /none.pem', '--tls-key'],
    ['--client-ca /none.pem', '--tls-cert'],
    ['--tls-cert /none.pem --tls-key /none.key', '--tls-cert'],
    ['--server http://10.0.0.5:7070', 'speaks to etcd'],
  ])('%s is refused', async (flags, why) => {
    const { sluice } = cluster();
    expect(await sluice(`apiserver ${flags}`)).toMatchObject({
      code: 78,
      stderr: expect.stringContaining(why),
    });
  });

  it('survives SIGHUP, also where there is nothing to read again', async () => {
    const { sluice } = cluster();
    const stop = new AbortController();
    let hangUp: (() => void) | undefined;
    const running = sluice('apiserver --listen 0 --log-format text', {
      signal: stop.signal,
      onStderr: (text) => {
        if (text.includes('no certificates to read again')) stop.abort();
        else if (text.includes('the store is listed')) hangUp?.();
      },
      deps: {
        onResync: (resync) => {
          hangUp = resync;
          return () => undefined;
        },
      },
    });
    expect(await running).toMatchObject({ code: 0, stderr: expect.stringContaining('no certificates') });
  });

  it('serves until a signal', async () => {
    const { sluice } = cluster();
    const stop = new AbortController();
    const running = sluice('apiserver --listen 127.0.0.1:0 --log-format text', {
      signal: stop.signal,
      onStderr: (text) => {
        if (text.includes('the store is listed')) stop.abort();
      },
    });
    expect(await running).toMatchObject({ code: 0, stderr: expect.stringContaining('API server listens') });
  });
});
