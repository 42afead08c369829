import { describe, expect, it } from 'vitest';
import { cluster } from './run.ts';

const SET = 'range set apps --network 10.96.128.0/20';

describe.each([true, false])('range (on a terminal: %s)', (terminal) => {
  it('is set, listed, set anew and removed', async () => {
    const { sluice } = cluster();
    let id = 0;
    const newId = (): string => (id += 1).toString(16).padStart(16, '0');
    const on = { terminal, deps: { newId } };
    expect(await sluice(SET, on)).toMatchObject({ code: 0, stdout: 'range/apps created\n' });
    expect(await sluice(SET, on)).toMatchObject({ code: 0, stdout: 'range/apps unchanged\n' });
    const list = await sluice('range list', on);
    expect(list.stdout).toMatch(/apps +10\.96\.128\.0\/20 +80\/tcp +3600s/);
    const changed = await sluice(`${SET} --keep 5m --entry-port 81 --protocol udp`, on);
    expect(changed.stdout).toBe('range/apps updated\n');
    const json: unknown = JSON.parse((await sluice('range list -o json', on)).stdout);
    expect(json).toMatchObject({
      kind: 'RangeList',
      items: [{ name: 'apps', keepSeconds: 300, port: 81, protocol: 'udp' }],
    });
    const preview = await sluice('range remove apps --dry-run', on);
    expect(preview).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing was written') });
    expect((await sluice('range remove apps', on)).stdout).toBe('range/apps deleted\n');
    expect((await sluice('range list -o name', on)).stdout).toBe('');
  });
});

describe('range', () => {
  it.each([
    ['range set apps --network 10.0.0.1/8', 'no network'],
    ['range set apps --network 127.0.0.0/8', 'no network'],
    ['range set apps --network 10.0.0.0/8 --entry-port 0', 'not a port'],
    ['range set -- Apps --network 10.0.0.0/8', ''],
    ['range remove none', 'none'],
  ])('%s is refused', async (line, why) => {
    const { sluice } = cluster();
    const { code, stdout, stderr } = await sluice(line, {});
    expect([code === 0, stdout]).toEqual([false, '']);
    expect(stderr).toContain(why);
  });
});
