import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { nodeSays } from '../ops/world.ts';
import { cluster } from './run.ts';

const ONE = 'publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080';
const TWO = `${ONE} --instance 10.0.1.12:8080=3`;

describe('publish on a pipe', () => {
  it('prints the result on stdout and shares and convergence on stderr', async () => {
    const { store, sluice } = cluster();
    await nodeSays(store, 'n1', { applied: 1000 });
    const { code, stdout, stderr } = await sluice(TWO);
    expect(code).toBe(0);
    expect(stdout).toBe('service/web created\n');
    expect(stderr).toMatch(
      /^revision 3; 10\.0\.1\.11:8080 25%, 10\.0\.1\.12:8080 75%\nconverged on 1\/1 nodes in 0\.[0-9]s\n$/,
    );
  });

  it('is idempotent: created, unchanged, updated', async () => {
    const { sluice } = cluster();
    expect((await sluice(ONE)).stdout).toBe('service/web created\n');
    expect((await sluice(ONE)).stdout).toBe('service/web unchanged\n');
    expect((await sluice(TWO)).stdout).toBe('service/web updated\n');
  });

  it('says nothing with -q unless something changed', async () => {
    const { sluice } = cluster();
    expect(await sluice(`${ONE} -q`)).toEqual({ code: 0, stdout: 'service/web created\n', stderr: '' });
    expect(await sluice(`${ONE} -q`)).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(await sluice(`${ONE} -q -o json`)).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('refuses to narrow with 5 and the words of the interface, and narrows with --replace', async () => {
    const { sluice } = cluster();
    await sluice(TWO);
    expect(await sluice(ONE)).toEqual({
      code: 5,
      stdout: '',
      stderr:
        "error: publishing 'web' would remove 1 of 2 instances [not-confirmed]\n" +
        '  why: --instance is the full set; 10.0.1.12:8080 is registered but not listed\n' +
        '  fix: repeat with --replace, or:  sluice instance set web 10.0.1.12:8080=0\n',
    });
    expect((await sluice('list instances -o name')).stdout).toBe('web/10.0.1.11:8080\nweb/10.0.1.12:8080\n');
    expect((await sluice(`${ONE} --replace`)).stdout).toBe('service/web updated\n');
  });

  it('names the flag that takes something away', async () => {
    const { sluice } = cluster();
    await sluice('publish web --entry 10.96.0.10:80 --entry 10.96.0.11:80 --instance 10.0.1.11:8080');
    const { code, stderr } = await sluice(ONE);
    expect(code).toBe(5);
    expect(stderr).toContain(
      'would take away entry 10.96.0.11:80/tcp [not-confirmed]\n  why: --entry is the full set\n',
    );
    const both = await sluice('publish web --entry 10.96.0.11:80');
    expect(both.stderr).toContain(
      'why: --entry and --instance are the full set; 10.0.1.11:8080 is registered',
    );
  });

  it('gives one machine-clean JSON document, also for what is not there', async () => {
    const { store, sluice } = cluster();
    await nodeSays(store, 'n1', { applied: 1000 });
    const { code, stdout, stderr } = await sluice(`${TWO} -o json`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({
      kind: 'ChangeList',
      version: 1,
      revision: 3,
      items: [
        {
          reference: 'service/web',
          outcome: 'created',
          revision: 3,
          requestId: 'request-1',
          shares: [
            { address: '10.0.1.11:8080', weight: 1, share: 0.25 },
            { address: '10.0.1.12:8080', weight: 3, share: 0.75 },
          ],
          convergence: { outcome: 'converged', nodes: 1, applied: 1 },
        },
      ],
    });
  });

  it('prints references with -o name', async () => {
    const { sluice } = cluster();
    expect((await sluice(`${ONE} -o name`)).stdout).toBe('service/web\n');
  });

  it('gives 75 and the holder where another service has the entry', async () => {
    const { sluice } = cluster();
    await sluice(ONE);
    const { code, stderr } = await sluice(
      'publish shop --entry 10.96.0.10:80 --instance 10.0.1.13:80 -o json',
    );
    expect(code).toBe(75);
    expect(JSON.parse(stderr)).toMatchObject({ kind: 'Error', code: 'conflict', exitCode: 75 });
    expect(stderr).toContain('web');
  });

  it('heeds --if-revision: 0 must not exist, an old revision is a conflict', async () => {
    const { sluice } = cluster();
    expect((await sluice(`${ONE} --if-revision 0`)).code).toBe(0);
    expect((await sluice(`${ONE} --if-revision 0`)).code).toBe(75);
    await sluice(TWO);
    expect((await sluice(`${ONE} --replace --if-revision 2`)).code).toBe(75);
    expect((await sluice(`${ONE} --replace --if-revision 3`)).code).toBe(0);
  });

  it('shows a dry run with the command that applies it, and that command applies it', async () => {
    const { sluice } = cluster();
    await sluice(TWO);
    const { code, stdout, stderr } = await sluice(`${ONE} --dry-run`);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(
      [
        'service/web would be updated',
        '  - instance 10.0.1.12:8080 weight 3 (75%)',
        '  shares then: 10.0.1.11:8080 100%',
        '  needs consent: it would remove 1 of 2 instances',
        'base revision 2',
        `apply with: sluice ${ONE} --replace --if-revision 2`,
        '',
      ].join('\n'),
    );
    const command = /apply with: sluice (.*)/.exec(stdout)?.[1] ?? '';
    expect(await sluice(command)).toMatchObject({ code: 0, stdout: 'service/web updated\n' });
  });
});

describe('publish from files', () => {
  const SPECS = [
    'kind: Service\nname: web\nentries: ["10.96.0.10:80"]\ninstances: ["10.0.1.11:8080"]\n',
    'kind: Service\nname: shop\nentries: ["10.96.0.11:80/tcp"]\ninstances: ["10.0.1.12:8080=2"]\n',
  ].join('---\n');

  it('reads several documents from stdin', async () => {
    const { sluice } = cluster();
    const { code, stdout, stderr } = await sluice('publish -f -', { stdin: SPECS });
    expect(code).toBe(0);
    expect(stdout).toBe('service/web created\nservice/shop created\n');
    expect(stderr).toContain('service/shop: revision 3; 10.0.1.12:8080 100%');
  });

  it('names file, line and field of a mistake, with 65, and writes nothing', async () => {
    const { sluice } = cluster();
    const folder = await mkdtemp(path.join(tmpdir(), 'sluice-cli-'));
    try {
      const file = path.join(folder, 'services.yaml');
      await writeFile(file, SPECS.replace('10.0.1.12:8080=2', '10.0.1.12:70000'));
      const { code, stdout, stderr } = await sluice(`publish -f ${file}`);
      expect({ code, stdout }).toEqual({ code: 65, stdout: '' });
      expect(stderr).toContain(`${file}:9:13`);
      expect(stderr).toContain('70000');
      expect((await sluice('list -o name')).stdout).toBe('');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it.each([
    ['publish web -f -', 'the service "web"'],
    ['publish -f - --entry 10.96.0.10:80', '--entry'],
    ['publish -f - --instance 10.0.1.1:80 --masquerade', '--instance and --masquerade'],
  ])('refuses %s with 64: the file says everything', async (words, named) => {
    const { code, stderr } = await cluster().sluice(words, { stdin: SPECS });
    expect(code).toBe(64);
    expect(stderr).toContain(`-f cannot be used together with ${named}`);
  });

  it.each([
    ['publish', 64],
    ['publish web', 64],
    ['publish web --entry 10.96.0.10:70000', 65],
    ['publish web --entry 010.0.0.1:80', 65],
    ['publish WEB --entry 10.96.0.10:80', 65],
    ['publish web --entry 10.96.0.10:80 --instance 10.0.1.11:80=70000', 65],
    ['publish web --entry 10.96.0.10:80 --if-revision x', 64],
    ['publish web --entry 10.96.0.10:80 --timeout soon', 64],
    ['publish -f /nonexistent/spec.yaml', 64],
    ['publish -f - -f -', 64],
    ['publish -f /dev/zero', 65],
  ])('ends %s with %i', async (words, expected) => {
    const { code, stdout, stderr } = await cluster().sluice(words);
    expect({ code, stdout }).toEqual({ code: expected, stdout: '' });
    expect(stderr).toMatch(/^error: .* \[[a-z-]+\]\n {2}why: .*\n {2}fix: .*\n$/);
  });
});

describe('publish on a terminal', () => {
  it('asks before it narrows, and No is the default', async () => {
    const { sluice } = cluster();
    await sluice(TWO);
    const declined = await sluice(ONE, { terminal: true, stdin: '\n' });
    expect(declined.code).toBe(5);
    expect(declined.stderr).toContain("publishing 'web' will remove 1 of 2 instances");
    expect(declined.stderr).toContain('it was declined; nothing was changed');
    const agreed = await sluice(ONE, { terminal: true, stdin: 'y\n' });
    expect(agreed).toMatchObject({ code: 0, stdout: 'service/web updated\n' });
  });

  it('does not ask with --no-input', async () => {
    const { sluice } = cluster();
    await sluice(TWO);
    const { code, stderr } = await sluice(`${ONE} --no-input`, { terminal: true });
    expect(code).toBe(5);
    expect(stderr).not.toContain('Go on?');
  });
});
