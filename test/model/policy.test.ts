import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import type { Entry } from '../../src/model/entry.ts';
import { matchesEnvName, matchesImage, matchesPath } from '../../src/model/policy-match.ts';
import { parsePolicy } from '../../src/model/policy-file.ts';
import {
  allowedPorts,
  checkPolicy,
  checkProgram,
  executedPath,
  type Policy,
  type PolicyFacts,
  type PolicyOrder,
  underPolicy,
  wantsHash,
} from '../../src/model/policy.ts';

const HASH = 'a'.repeat(64);
const TEXT = `
drivers: [process, podman]
commands:
  - /usr/bin/node
  - path: /opt/app/bin/*
    sha256: ${HASH}
  - /srv/*/run
images: [docker.io/library/nginx:*]
users: [www-data, app]
defaultUser: app
directories: [/srv, /var/lib/app-*]
env: ['APP_*', NODE_OPTIONS]
limits: { instances: 3, cpu: 2.5, memory: 1GiB, pids: 100, files: 1000 }
ports: [20000-20100, 8080]
`;
const policy: Policy = parsePolicy(TEXT, 'policy.yaml');
const order: PolicyOrder = {
  env: { APP_A: '1' },
  user: 'app',
  port: 20_005,
  limits: { cpu: 1, memoryBytes: 2 ** 20, pids: 10, files: 100 },
};
const node = { path: '/usr/bin/node', real: '/usr/lib/node-20/node' };
const facts: PolicyFacts = {
  driver: 'process',
  programs: [node],
  workingDirectory: '/srv/web',
  uid: 1_000,
  instances: 2,
};
const rule = (o: Partial<PolicyOrder>, f: Partial<PolicyFacts> = {}): string | undefined =>
  checkPolicy(policy, { ...order, ...o }, { ...facts, ...f })?.rule;
const errorOf = (text: string): SluiceError => {
  try {
    parsePolicy(text, 'p.yaml');
  } catch (error) {
    if (error instanceof SluiceError) return error;
  }
  throw new Error('it was read');
};

/** Code of the error that a text is refused with; 'config' also for one that is read. */
const outcome = (text: string): string => {
  try {
    parsePolicy(text, 'p');
    return 'config';
  } catch (error) {
    return error instanceof SluiceError ? error.code : String(error);
  }
};

describe('a policy', () => {
  it('is read with all its fields, and allows little where it says nothing', () => {
    expect(policy).toMatchObject({
      commands: [{ path: '/usr/bin/node' }, { path: '/opt/app/bin/*', sha256: HASH }, { path: '/srv/*/run' }],
      limits: { instances: 3, cpu: 2.5, memoryBytes: 2 ** 30, pids: 100, files: 1_000 },
      ports: [
        { from: 20_000, to: 20_100 },
        { from: 8_080, to: 8_080 },
      ],
    });
    expect(parsePolicy('commands: []', 'p')).toMatchObject({
      drivers: ['process', 'exec'],
      commands: [],
      users: [],
      images: [],
      directories: [],
      allowRoot: false,
      defaultUser: undefined,
      env: ['*'],
      limits: {},
      ports: [{ from: 1_024, to: 65_535 }],
    });
  });

  it.each([
    ['comands: []', /p\.yaml:1:1: comands: unknown field "comands"; did you mean commands\?/],
    ['commands: [node]', /commands\[0\]: "node" is not allowed here/],
    ['commands: [/usr/../bin/x]', /commands\[0\]/],
    ['commands: [{ path: /x, sha256: abc }]', /commands\[0\]\.sha256/],
    ['users: [1]', /users\[0\]: 1 is not allowed here/],
    ['allowRoot: yes', /allowRoot/],
    ['drivers: [proces]', /drivers\[0\]/],
    ['limits: { cpu: -1 }', /limits\.cpu/],
    ['limits: { memory: 1gig }', /limits\.memory: "1gig" is not a size/],
    ['limits: { pids: 0 }', /limits\.pids/],
    ['ports: [30000-20000]', /ports\[0\]/],
    ['ports: [70000]', /ports\[0\]/],
    ['env: ["A B"]', /env\[0\]/],
    ['a: 1\n---\nb: 2', /not one document/],
    ['', /not one document/],
    ['commands: [', /YAML/],
    ['&a [*a]', /p\.yaml/],
    ['x'.repeat(2 ** 20 + 1), /1 MiB/],
  ])('with the text %j is refused with its place', (text, message) => {
    const error = errorOf(text);
    expect([error.code, error.message]).toEqual(['config', expect.stringMatching(message)]);
  });

  it('lets an order pass that keeps to it', () => {
    expect(checkPolicy(policy, order, facts)).toBeUndefined();
  });

  it.each([
    ['drivers', {}, { driver: 'exec' }],
    ['commands', {}, { programs: [{ path: '/bin/sh', real: '/bin/dash' }] }],
    ['commands', {}, { programs: [node, { path: '/bin/sh', real: '/bin/dash' }] }],
    ['commands.sha256', {}, { programs: [{ path: '/x', real: '/opt/app/bin/x', sha256: 'b'.repeat(64) }] }],
    ['commands.sha256', {}, { programs: [{ path: '/opt/app/bin/x', real: '/opt/app/bin/x' }] }],
    ['images', { image: 'docker.io/evil/nginx:1' }, { driver: 'podman', programs: [] }],
    ['directories', {}, { workingDirectory: '/srvx' }],
    ['directories', {}, { workingDirectory: '/var/lib/app-1x/../../etc' }],
    ['env', { env: { LD_PRELOAD: 'x' } }, {}],
    ['ports', { port: 22 }, {}],
    ['allowRoot', { user: 'app' }, { uid: 0 }],
    ['users', { user: 'other' }, {}],
    ['limits.instances', {}, { instances: 3 }],
    ['limits.cpu', { limits: { ...order.limits, cpu: 3 } }, {}],
    ['limits.memory', { limits: { ...order.limits, memoryBytes: undefined } }, {}],
    ['limits.pids', { limits: { ...order.limits, pids: 101 } }, {}],
    ['limits.files', { limits: { ...order.limits, files: 1_001 } }, {}],
  ] as const)('names the rule %s that refuses', (name, changedOrder, changedFacts) => {
    expect(rule(changedOrder, changedFacts)).toBe(name);
  });

  it('follows links: what an allowed folder links to elsewhere is not allowed', () => {
    expect(checkProgram(policy, { path: '/srv/a/run', real: '/bin/dash' })?.rule).toBe('commands');
    expect(checkProgram(policy, { path: '/home/x/link', real: '/srv/a/run' })).toBeUndefined();
  });

  it('has the named path executed where a rule names it, else the real one', () => {
    expect(executedPath(policy, node)).toBe('/usr/bin/node');
    expect(executedPath(policy, { path: '/home/x/link', real: '/srv/a/run' })).toBe('/srv/a/run');
  });

  it('asks for a hash only where a rule has one', () => {
    expect(wantsHash(policy, node)).toBe(false);
    expect(wantsHash(policy, { path: '/x', real: '/opt/app/bin/x' })).toBe(true);
  });

  it('fills in its user and its limits, and cuts port ranges', () => {
    expect(underPolicy(policy, { limits: { cpu: 1 } })).toEqual({
      user: 'app',
      limits: { cpu: 1, memoryBytes: 2 ** 30, pids: 100, files: 1_000 },
    });
    expect(allowedPorts(policy, { from: 8_000, to: 20_010 })).toEqual([
      { from: 20_000, to: 20_010 },
      { from: 8_080, to: 8_080 },
    ]);
    expect(allowedPorts(policy, { from: 1, to: 80 })).toEqual([]);
  });

  it('never throws anything but its own error, whatever the text', () => {
    const cut = fc.nat(TEXT.length).map((length) => TEXT.slice(0, length));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json(), cut), (text) => {
        expect(outcome(text)).toBe('config');
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe('patterns of a policy', () => {
  it.each([
    ['/opt/*', '/opt/a', true],
    ['/opt/*', '/opt/a/b', false],
    ['/opt/*', '/opt/..', false],
    ['/opt/a*c*e', '/opt/abcde', true],
    ['/opt/a*c*e', '/opt/ace', true],
    ['/opt/ab*ba', '/opt/aba', false],
    ['/opt/x', '/opt/xy', false],
    ['/*/bin', '/usr/bin', true],
  ])('%s and the path %s: %s', (pattern, path, fits) => {
    expect(matchesPath(pattern, path)).toBe(fits);
  });

  it('stay fast on patterns made to be slow', () => {
    expect(matchesPath(`/${'*a'.repeat(500)}`, `/${'a'.repeat(5_000)}b`)).toBe(false);
  });

  it('cover loaders of code only by name', () => {
    expect(['LD_PRELOAD', 'NODE_OPTIONS', 'BASH_ENV'].map((name) => matchesEnvName('*', name))).toEqual([
      false,
      false,
      false,
    ]);
    expect([matchesEnvName('*', 'HOME'), matchesEnvName('LD_*', 'LD_PRELOAD')]).toEqual([true, true]);
    expect([
      matchesImage('docker.io/library/nginx:*', 'docker.io/library/nginx:1.27'),
      matchesImage('a/*', 'a/b/c'),
    ]).toEqual([true, false]);
  });
});

const entry = (ip: string, port: number): Entry => ({ ip, port, protocol: 'tcp' });
const entriesRule = (entries: string, of: readonly Entry[] | undefined): string | undefined =>
  checkPolicy(
    parsePolicy(TEXT.replace(/^ports:.*$/m, `ports: [20000-20100]\nentries: ${entries}`), 'p.yaml'),
    { ...order, entries: of },
    facts,
  )?.rule;

describe('entries in a policy', () => {
  it('say whose services may be run: all entries of a service must be among them', () => {
    const rules = `['10.96.0.0/16:80-443', 10.97.0.1, 'fd00::/64', '[fd01::/64]:53']`;
    const cases = [
      [[entry('10.96.3.4', 80)], undefined],
      [[entry('10.96.3.4', 443), entry('10.97.0.1', 9)], undefined],
      [[entry('fd00::1', 1)], undefined],
      [[entry('fd01::1', 53)], undefined],
      [[], undefined],
      [[entry('10.96.3.4', 444)], 'entries'],
      [[entry('10.96.3.4', 80), entry('10.98.0.1', 80)], 'entries'],
      [[entry('10.97.0.2', 9)], 'entries'],
      [[entry('fd01::1', 54)], 'entries'],
      [[entry('fd02::1', 53)], 'entries'],
      [undefined, 'entries'],
    ] as const;
    for (const [entries, refusal] of cases)
      expect([entries, entriesRule(rules, entries)]).toEqual([entries, refusal]);
  });

  it('that are none refuse every service, and no field allows every one', () => {
    expect(entriesRule('[]', [entry('10.96.3.4', 80)])).toBe('entries');
    expect(checkPolicy(policy, { ...order, entries: [entry('1.2.3.4', 1)] }, facts)).toBeUndefined();
    expect(checkPolicy(policy, order, facts)).toBeUndefined();
  });

  it.each([
    'web',
    '10.96.0.0/33',
    '10.96.0.0/16/8',
    '10.96.0.1:0',
    '10.96.0.1:9-8',
    '10.96.0.1:70000',
    '[fd00::1',
    'fd00::1/129',
    '',
    ':80',
    '10.96.0.1:',
  ])('refuse %j, which is no range of entries', (text) => {
    const refused = errorOf(`entries: ['${text}']`);
    expect([refused.code, refused.message]).toEqual(['config', expect.stringContaining('entries')]);
  });
});
