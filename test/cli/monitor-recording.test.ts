import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseXml } from '@rgrove/parse-xml';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { encodeLoad } from '../../src/model/load.ts';
import { encodeService } from '../../src/model/records-service.ts';
import { templateHash } from '../../src/model/template-hash.ts';
import { encodeAssignment } from '../../src/model/records-assignment.ts';
import { assignmentKey, loadKey, serviceKey } from '../../src/store/keys.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { actors } from '../monitor/world.ts';
import { template } from '../schedule/world.ts';
import { run } from './run.ts';

const AT = '2026-01-01T00:00:00.000Z';
const SCALING = {
  min: 1,
  max: 20,
  metrics: [{ kind: 'cpu', name: 'cpu', target: 0.7 }],
  mode: 'recommend',
  downAfterSeconds: 60,
  cooldownUpSeconds: 0,
  cooldownDownSeconds: 0,
} as const;

/** A store with a scaled service of one instance, that is full. */
async function full() {
  const store = createMemoryStore();
  const people = actors(store);
  await people.node('n1');
  const what = template('one');
  const entries = [{ ip: '10.96.0.1', port: 80, protocol: 'tcp' }] as const;
  const rest = {
    entries,
    masquerade: false,
    createdAt: AT,
    template: what,
    policy: { scaling: SCALING },
  } as const;
  const value = encodeService({ name: 'web', origin: 'managed', replicas: 1, ...rest });
  const one = {
    node: 'n1',
    service: 'web',
    id: 'i1',
    template: what,
    templateHash: templateHash(what),
    weight: 1,
    createdAt: AT,
  };
  await people.write(
    { kind: 'put', key: serviceKey('web'), value },
    { kind: 'put', key: assignmentKey('n1', 'web', 'i1'), value: encodeAssignment(one) },
  );
  await people.say(one, 'ready');
  let at = 0;
  const sample = async (): Promise<void> => {
    const load = {
      node: 'n1',
      at: (at += 1),
      cores: 4,
      instances: { 'web/i1': { cpu: 1 } },
      newConnections: {},
    };
    await people.write({ kind: 'put', key: loadKey('n1'), value: encodeLoad(load) });
  };
  await sample();
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-recording-'));
  const sluice = async (words: string) => {
    const sampling = setInterval(() => void sample(), 100);
    try {
      return await run(words.split(' '), { store, deps: { clock: systemClock } });
    } finally {
      clearInterval(sampling);
    }
  };
  return { sluice, file: (name: string) => path.join(folder, name) };
}

describe('monitor record and replay', () => {
  it('write what is decided from, for its owner alone, and show what is decided from it', async () => {
    const { sluice, file } = await full();
    const [jsonl, svg] = [file('load.jsonl'), file('load.svg')];
    const recorded = await sluice(`monitor record --to ${jsonl} --for 2s --every 500ms`);
    expect(recorded).toMatchObject({ code: 0, stdout: '' });
    expect(recorded.stderr).toMatch(
      /load\.jsonl: \d looks in \ds, \d+ bytes; ended because its time is over\n$/,
    );
    expect((await stat(jsonl)).mode & 0o777).toBe(0o600);
    const replayed = await sluice(`monitor replay --from ${jsonl} --plot ${svg}`);
    expect(replayed.code).toBe(0);
    expect(replayed.stdout).toMatch(
      /^TIME +SERVICE +RECORDED +DECIDED +WANTED +READY +CPU +BY +LIMITED BY\n/,
    );
    expect(replayed.stdout).toMatch(/ web +1 +1 → 2 +2 +1 +100% +cpu +nothing\n/);
    expect(replayed.stdout).toMatch(/\nweb, \ds: recorded 1 \(mean 1, 0 changes\); decided /);
    expect(parseXml(await readFile(svg, 'utf8')).root?.name).toBe('svg');
    const json = await sluice(`monitor replay web --from ${jsonl} --cpu 10% --max 8 -o json`);
    expect(JSON.parse(json.stdout)).toMatchObject({
      kind: 'ReplayList',
      items: [{ service: 'web', recorded: { max: 1 }, replayed: { max: 5 } }],
    });
    expect((await sluice(`monitor replay other --from ${jsonl}`)).stderr).toContain(
      'nothing is decided in it',
    );
    const again = await sluice(`monitor record --to ${jsonl} --for 1s`);
    expect({ code: again.code, told: again.stderr.includes('it exists already') }).toEqual({
      code: 64,
      told: true,
    });
  });

  it('tell which line of a file is not part of a recording', async () => {
    const { sluice, file } = await full();
    const bad = file('bad.jsonl');
    await writeFile(bad, '{"kind":"header","version":1,"at":"2026-01-01T00:00:00.000Z"}\n{}\n');
    const refused = await sluice(`monitor replay --from ${bad}`);
    expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 65, stdout: '' });
    expect(refused.stderr).toContain('line 2 of ');
    await writeFile(bad, '{"kind":"header","version":1,"at":"2026-01-01T00:00:00.000Z"}\n{"kind":"lo');
    const cut = await sluice(`monitor replay --from ${bad}`);
    expect(cut.code).toBe(0);
    expect(cut.stderr).toContain('line 2 of ');
  });

  it.each([
    ['monitor record --for 1s', 64, '--to'],
    ['monitor record --to /nowhere/x --for 1s', 1, 'cannot write "/nowhere/x"'],
    ['monitor record --to /nowhere/x --every 1ms', 64, '--every 1ms is out of bounds'],
    ['monitor record --to /nowhere/x --max-size 1GiB', 64, '--max-size 1GiB is out of bounds'],
    ['monitor record --to /nowhere/x --for 0s', 64, 'it must be longer than 0'],
    ['monitor replay --from /nowhere/x', 4, 'there is no file'],
    ['monitor --once --interval 10s', 64, '--interval 10s is out of bounds'],
    ['monitor --once --interval 100ms', 64, '--interval 100ms is out of bounds'],
  ])('refuse: %s', async (words, code, text) => {
    const result = await run(words.split(' '), {});
    expect({ code: result.code, stdout: result.stdout }).toEqual({ code, stdout: '' });
    expect(result.stderr).toContain(text);
  });
});
