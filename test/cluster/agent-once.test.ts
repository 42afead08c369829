import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publish } from '../../src/ops/publish.ts';
import { type LabStore, openLabStore, sluice, specOf } from './harness/control.ts';
import { useLab } from './harness/use-lab.ts';

describe('the one-shot forms of the agent', () => {
  const lab = useLab({ nodes: 1, etcd: 1 });
  let control: LabStore;

  const nat = async (): Promise<string> => {
    const { stdout } = await lab().node(1).run(['iptables-nft-save', '-t', 'nat']);
    return stdout.replaceAll(/^#.*\n/gm, '').replaceAll(/\[\d+:\d+\]/g, '[0:0]');
  };

  beforeAll(async () => {
    control = await openLabStore(lab());
    await publish(control.deps, [specOf('web', '10.96.0.10:80', ['10.77.0.1:8080', '10.77.0.1:8081=3'])]);
  });
  afterAll(async () => {
    await control.close();
  });

  it('--print-rules prints what --once then puts into the kernel, and touches nothing', async () => {
    const before = await nat();
    const printed = await sluice(lab(), lab().node(1), ['agent', '--print-rules']);
    expect(printed).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await nat()).toBe(before);

    const once = await sluice(lab(), lab().node(1), ['agent', '--once', '--node', 'n1', '-o', 'json']);
    expect(once).toMatchObject({ exitCode: 0, stderr: '' });
    expect(JSON.parse(once.stdout)).toMatchObject({
      kind: 'AgentReport',
      items: [{ node: 'n1', entries: 1, instances: 2, failures: [] }],
    });
    const installed = await nat();
    const rules = printed.stdout.split('\n').filter((line) => line.startsWith('-A SLUICE-'));
    expect(rules.length).toBeGreaterThan(5);
    for (const rule of rules) expect(installed).toContain(rule);

    const again = await sluice(lab(), lab().node(1), ['agent', '--once', '--node', 'n1', '-q']);
    expect(again).toEqual({ exitCode: 0, stdout: '', stderr: '' });
    expect(await nat()).toBe(installed);
  });

  it('--print-rules text is taken by iptables-restore as it is', async () => {
    const { stdout } = await sluice(lab(), lab().node(1), ['agent', '--print-rules']);
    const tested = await lab()
      .node(1)
      .run(['iptables-nft-restore', '--test', '--noflush'], { input: stdout });
    expect(tested).toMatchObject({ exitCode: 0, stderr: '' });
  });

  it('say that the store is away with 69, and leave the rules alone', async () => {
    const installed = await nat();
    const [member] = lab().etcd().members;
    await member?.stop();
    for (const form of ['--once', '--print-rules']) {
      const { exitCode, stdout } = await sluice(lab(), lab().node(1), ['agent', form, '--node', 'n1']);
      expect({ exitCode, stdout }).toEqual({ exitCode: 69, stdout: '' });
    }
    expect(await nat()).toBe(installed);
  });
});
