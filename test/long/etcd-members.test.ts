import { describe, expect, it } from 'vitest';
import { waitUntil } from '../../src/host/wait.ts';
import { useLab } from '../cluster/harness/use-lab.ts';

const CURL = ['curl', '-sS', '--max-time', '10'];

describe('a lab with three etcd members', () => {
  const lab = useLab({ nodes: 3, etcd: 3 });

  /** Writes through a member's JSON gateway from its own node. */
  const put = async (member: number): Promise<string> => {
    const body = JSON.stringify({ key: 'YQ==', value: 'Yg==' });
    const url = `${lab().etcd().members[member - 1]?.endpoint ?? ''}/v3/kv/put`;
    const { stdout } = await lab()
      .node(member)
      .run([...CURL, '-d', body, url]);
    return stdout;
  };

  it('serves on every member, also through the unix socket', async () => {
    expect(await put(3)).toContain('"revision"');
    const { members, endpoints } = lab().etcd();
    expect(endpoints).toBe('http://10.77.0.1:2379,http://10.77.0.2:2379,http://10.77.0.3:2379');
    expect(await Promise.all(members.map(async (member) => await member.healthy()))).toEqual([
      true,
      true,
      true,
    ]);
  });

  it('goes on with two of three, not with one, and comes back with its data', async () => {
    const [one, two, three] = lab().etcd().members;
    await one?.stop();
    await waitUntil(async () => (await put(3)).includes('"revision"'), {
      what: 'a new leader',
      timeoutMs: 10_000,
    });
    await two?.stop('SIGTERM');
    expect(await put(3)).not.toContain('"revision"');
    await Promise.all([one?.start(), two?.start(), three?.start()]);
    expect(await put(1)).toContain('"revision"');
  });

  it('loses a member that is isolated, and no other', async () => {
    const { members } = lab().etcd();
    await lab().isolate(1);
    await waitUntil(async () => (await members[0]?.healthy()) === false, {
      what: 'a lost member',
      timeoutMs: 10_000,
    });
    await waitUntil(async () => await members[1]?.healthy(), { what: 'a majority', timeoutMs: 10_000 });
    expect(await put(2)).toContain('"revision"');
    await lab().heal();
    await waitUntil(async () => await members[0]?.healthy(), { what: 'all members', timeoutMs: 10_000 });
  });
});
