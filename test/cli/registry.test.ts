import { describe, expect, it } from 'vitest';
import { cluster } from './run.ts';

const DRAWN = 'publish web --entry 10.96.0.10:80 --from-registry pay';

describe('publish --from-registry', () => {
  it('creates a service that draws from an app, in its one spelling, and is idempotent', async () => {
    const { sluice } = cluster();
    expect((await sluice(DRAWN)).stdout).toBe('service/web created\n');
    expect((await sluice(DRAWN)).stdout).toBe('service/web unchanged\n');
    expect((await sluice('describe web -o yaml')).stdout).toContain('registry: PAY');
    expect((await sluice('describe web')).stdout).toMatch(/registry: +PAY/);
  });

  it('says in a plan what it draws, and what changes', async () => {
    const { sluice } = cluster();
    expect((await sluice(`${DRAWN} --dry-run`)).stdout).toContain('+ instances of PAY');
    await sluice(DRAWN);
    const other = 'publish web --entry 10.96.0.10:80 --from-registry other --dry-run';
    expect((await sluice(other)).stdout).toContain('registry PAY → OTHER');
  });

  it('asks before it takes listed instances away, and goes back to them', async () => {
    const { sluice } = cluster();
    const listed = 'publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080';
    await sluice(listed);
    expect((await sluice(DRAWN)).code).toBe(5);
    expect((await sluice(`${DRAWN} --replace`)).stdout).toBe('service/web updated\n');
    expect((await sluice(listed)).stdout).toBe('service/web updated\n');
    expect((await sluice('describe web -o yaml')).stdout).not.toContain('registry: PAY');
  });

  it.each([
    ['--from-registry a/b', 65, 'is not the name of an app'],
    ['--from-registry pay --instance 10.0.1.11:8080', 65, 'has --from-registry and other instances'],
    ['--from-registry pay --command node', 65, 'has --from-registry and other instances'],
  ])('refuses %s', async (flags, code, words) => {
    const { sluice } = cluster();
    const done = await sluice(`publish web --entry 10.96.0.10:80 ${flags}`);
    expect([done.code, done.stderr]).toEqual([code, expect.stringContaining(words)]);
  });

  it('lists no instances by hand', async () => {
    const { sluice } = cluster();
    await sluice(DRAWN);
    const done = await sluice('instance add web 10.0.1.11:8080');
    expect(done.code).toBe(65);
    expect(done.stderr).toContain('draws its instances from the registry');
  });

  it('reads and writes it in a file', async () => {
    const { sluice } = cluster();
    const file = 'kind: Service\nname: web\nentries: ["10.96.0.10:80"]\nregistry: pay\n';
    expect((await sluice('publish -f -', { stdin: file })).stdout).toBe('service/web created\n');
    const both = `${file}instances: ["10.0.1.11:8080"]\n`;
    const refused = await sluice('publish -f -', { stdin: both });
    expect([refused.code, refused.stderr]).toEqual([
      65,
      expect.stringContaining('a service has either registry or instances'),
    ]);
  });
});
