import { describe, expect, it } from 'vitest';
import { parseSockets } from '../../src/host/listening.ts';
import { encodeNode } from '../../src/model/records-node.ts';
import type { ServiceSpec } from '../../src/model/service.ts';
import { checkSpecs } from '../../src/ops/entry-limits.ts';
import { publish } from '../../src/ops/publish.ts';
import { nodeKey } from '../../src/store/keys.ts';
import type { Store } from '../../src/store/store.ts';
import { failure, putRaw, spec, START, world } from './world.ts';

const MACHINE = { addresses: ['10.0.0.9'], listening: new Set(['10.96.0.20:80/tcp']) };

async function nodeAt(store: Store): Promise<void> {
  const facts = { cpus: 1, memoryBytes: 1, version: '1', kernel: '6', dataplane: 'x', startedAt: START };
  const addresses = { addresses: ['10.0.0.1', 'fd00::1'], networks: ['10.0.0.1/24', 'fd00::1/64'] };
  await putRaw(store, { [nodeKey('n1')]: encodeNode({ name: 'n1', ...addresses, ...facts }) });
}

const check = async (store: Store, ...specs: readonly ServiceSpec[]): Promise<readonly string[]> =>
  checkSpecs(store, specs, { machine: MACHINE });

describe('the check of entries before publishing', () => {
  it('has nothing against an address that no machine has', async () => {
    const { store } = world();
    await nodeAt(store);
    expect(await check(store, spec('web', '10.96.0.10:80'))).toEqual([]);
  });

  it('refuses an entry on an address of a node', async () => {
    const { store } = world();
    await nodeAt(store);
    const error = await failure(check(store, spec('web', '10.96.0.10:80 10.0.0.1:80')));
    expect(error).toMatchObject({ code: 'invalid-spec', details: { node: 'n1', entry: '10.0.0.1:80/tcp' } });
    expect((await failure(check(store, spec('six', '[fd00::1]:80', '[fd00::2]:80')))).code).toBe(
      'invalid-spec',
    );
  });

  it('lets a service go on that had the entry before the node came', async () => {
    const { store, ann } = world();
    await publish(ann, [spec('web', '10.0.0.1:80')]);
    await nodeAt(store);
    expect(await check(store, spec('web', '10.0.0.1:80'))).toEqual([
      '10.0.0.1:80/tcp is on an address of node/n1: move it to one that no machine has',
    ]);
    expect((await failure(check(store, spec('other', '10.0.0.1:80')))).code).toBe('invalid-spec');
  });

  it.each([
    ['in the network of a node', '10.0.0.77:80', /10\.0\.0\.1\/24, the network of node\/n1/],
    ['on the publishing machine', '10.0.0.9:80', /address of this machine/],
    ['on a socket', '10.96.0.20:80', /a program on this machine listens/],
  ])('warns of an entry %s', async (_title, entry, says) => {
    const { store } = world();
    await nodeAt(store);
    const warnings = await check(store, spec('web', entry));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(says);
  });

  it('says what the service itself lacks, with its name where there are several', async () => {
    const { store } = world();
    expect(await check(store, spec('web', '10.96.0.10:80', ''))).toEqual([
      'the service has no instances: connections to it are refused',
    ]);
    const [line] = await check(store, spec('web', '10.96.0.10:80', ''), spec('api', '10.96.0.11:80'));
    expect(line).toMatch(/^service\/web: the service has no instances/);
  });
});

describe('sockets of this machine', () => {
  it('are read from the tables of the kernel', () => {
    const tcp = `  sl  local_address rem_address   st
   0: 0A00000A:0050 00000000:0000 0A 00000000:00000000
   1: 00000000:0016 00000000:0000 0A 00000000:00000000
   2: 0A00000A:1F90 0100000A:9C40 01 00000000:00000000`;
    expect(parseSockets(tcp, 'tcp', '0A')).toEqual(['10.0.0.10:80/tcp']);
    const udp6 = '   0: 000000FD000000000000000001000000:0035 0:0 07 0';
    expect(parseSockets(udp6, 'udp', '07')).toEqual(['[fd00::1]:53/udp']);
  });
});
