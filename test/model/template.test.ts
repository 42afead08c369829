/** Tests templates: defaults, rules, placeholders, hash. */
import { describe, expect, it } from 'vitest';
import { expandPlaceholders, unknownPlaceholder } from '../../src/model/placeholders.ts';
import { type TemplateInput, templateOf } from '../../src/model/template-defaults.ts';
import { templateHash } from '../../src/model/template-hash.ts';
import { templateBreaks } from '../../src/model/template-rules.ts';
import { pathText } from '../../src/model/template-values.ts';

const VALUES = { port: '20001', ip: '10.0.1.1', id: 'web-1', service: 'web', node: 'n1' };
const COMMAND = { command: ['/usr/bin/node', 'server.js', '--port', '{port}'] };

describe('placeholders', () => {
  it.each([
    ['--port={port}', '--port=20001'],
    ['{ip}:{port}/{id}/{service}/{node}', '10.0.1.1:20001/web-1/web/n1'],
    ['{"a": {port}}', '{"a": 20001}'],
    ['{{port}}', '{port}'],
    ['${{HOME}}', '${HOME}'],
    ['{{{port}}}', '{{port}}'],
    ['{}{{.Names}}{ port }', '{}{{.Names}}{ port }'],
    ['{Port}', '{Port}'],
    ['{constructor}{toString}', '{constructor}{toString}'],
  ])('in %j give %j', (text, expanded) => {
    expect(expandPlaceholders(text, VALUES)).toBe(expanded);
  });

  it('are replaced once: what a value holds is not looked at again', () => {
    expect(expandPlaceholders('{node}', { ...VALUES, node: '{port}$&$1' })).toBe('{port}$&$1');
  });

  it('that are unknown are found with their position', () => {
    expect(unknownPlaceholder('a {port} {prot}')).toEqual({ name: 'prot', position: 10 });
    expect(unknownPlaceholder('{{prot}} {port} {"x": 1}')).toBeUndefined();
    expect(unknownPlaceholder('{constructor}')).toEqual({ name: 'constructor', position: 1 });
  });
});

describe('a template', () => {
  it('has documented defaults and keeps all rules with them', () => {
    const template = templateOf(COMMAND);
    expect(template).toEqual({
      driver: 'process',
      ...COMMAND,
      env: {},
      ports: { from: 20_000, to: 29_999 },
      limits: {},
      probe: {
        kind: 'tcp',
        intervalSeconds: 2,
        timeoutSeconds: 1,
        successes: 2,
        failures: 3,
        startSeconds: 30,
      },
      stopSignal: 'SIGTERM',
      graceSeconds: 10,
      drainSeconds: 60,
      onDeadline: 'leave',
      logs: { maxBytes: 10_485_760, keep: 5 },
      nodeSelector: {},
    });
    expect(templateBreaks(template)).toEqual([]);
  });

  it('has a hash of 16 hex digits that depends on what it says only', () => {
    const hash = templateHash(templateOf(COMMAND));
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
    expect(templateHash(templateOf({ ...COMMAND, driver: 'process', image: undefined }))).toBe(hash);
    expect(templateHash(templateOf({ ...COMMAND, env: { A: '1' } }))).not.toBe(hash);
    const two = templateHash(templateOf({ ...COMMAND, env: { A: '1', B: '2' } }));
    expect(templateHash(templateOf({ ...COMMAND, env: { B: '2', A: '1' } }))).toBe(two);
  });

  const wrong: readonly (readonly [string, TemplateInput])[] = [
    ['command', { command: [] }],
    ['command', { command: Array.from({ length: 65 }, () => 'x') }],
    ['command[0]', { command: [''] }],
    ['command[0]', { command: ['{port}'] }],
    ['command[0]', { command: ['a\nb'] }],
    ['command[1]', { command: ['a', 'x'.repeat(4_097)] }],
    ['command[1]', { command: ['a', 'b\0c'] }],
    ['command[1]', { command: ['a', '\ud800'] }],
    ['command[1]', { command: ['a', '{prot}'] }],
    ['hooks', { ...COMMAND, hooks: { stop: ['a'], status: ['b'] } }],
    ['hooks', { ...COMMAND, driver: 'exec' }],
    ['hooks.status', { ...COMMAND, driver: 'exec', hooks: { stop: ['a'], status: [] } }],
    ['image', { ...COMMAND, image: 'nginx' }],
    ['image', { driver: 'podman' }],
    ['image', { driver: 'podman', image: '--privileged' }],
    ['image', { driver: 'podman', image: 'dir:/etc' }],
    ['image', { driver: 'podman', image: 'docker-archive:a.tar' }],
    ['image', { driver: 'podman', image: 'docker.io/Nginx' }],
    ['image', { driver: 'podman', image: 'nginx:1.27 --privileged' }],
    ['image', { driver: 'podman', image: 'nginx/../evil' }],
    ['env.A', { driver: 'podman', image: 'nginx', env: { A: 'x\ny' } }],
    ['env.A-B', { ...COMMAND, env: { 'A-B': '1' } }],
    ['env.1A', { ...COMMAND, env: { '1A': '1' } }],
    ['env.', { ...COMMAND, env: { '': '1' } }],
    ['env.__proto__', { ...COMMAND, env: Object.fromEntries([['__proto__', '1']]) }],
    ['env.SLUICE_INSTANCE_ID', { ...COMMAND, env: { SLUICE_INSTANCE_ID: 'me' } }],
    ['env.A', { ...COMMAND, env: { A: 'x\0' } }],
    ['env.A', { ...COMMAND, env: { A: '{HOME}' } }],
    [
      'env',
      {
        ...COMMAND,
        env: Object.fromEntries(Array.from({ length: 129 }, (_, index) => [`V${index}`, ''])),
      },
    ],
    ...['srv', '/srv/../etc', '/srv//x', '/srv/', '/srv/./x', '/srv/{id}', '/s\nrv', ''].map(
      (workingDirectory) => ['workingDirectory', { ...COMMAND, workingDirectory }] as const,
    ),
    ...['', 'Root', 'a b', '-x', '0', 'x'.repeat(33)].map((user) => ['user', { ...COMMAND, user }] as const),
    ['ports', { ...COMMAND, ports: { from: 0, to: 10 } }],
    ['ports', { ...COMMAND, ports: { from: 20, to: 10 } }],
    ['ports', { ...COMMAND, ports: { from: 1.5, to: 10 } }],
    ['ports', { ...COMMAND, ports: { from: 1, to: 65_536 } }],
    ['limits.cpu', { ...COMMAND, limits: { cpu: 0 } }],
    ['limits.cpu', { ...COMMAND, limits: { cpu: Number.NaN } }],
    ['limits.memoryBytes', { ...COMMAND, limits: { memoryBytes: 1_000 } }],
    ['limits.pids', { ...COMMAND, limits: { pids: 1.5 } }],
    ['limits.files', { ...COMMAND, limits: { files: 0 } }],
    ['probe.path', { ...COMMAND, probe: { kind: 'http', path: 'x' } }],
    ['probe.path', { ...COMMAND, probe: { kind: 'http', path: '/ HTTP/1.1\r\nX: y' } }],
    ['probe.host', { ...COMMAND, probe: { kind: 'http', host: 'a\r\nb' } }],
    ['probe.status', { ...COMMAND, probe: { kind: 'http', status: { from: 300, to: 200 } } }],
    ['probe.command', { ...COMMAND, probe: { kind: 'exec' } }],
    ['probe.send', { ...COMMAND, probe: { send: '' } }],
    ['probe.intervalSeconds', { ...COMMAND, probe: { intervalSeconds: 0 } }],
    ['probe.timeoutSeconds', { ...COMMAND, probe: { timeoutSeconds: Number.POSITIVE_INFINITY } }],
    ['probe.failures', { ...COMMAND, probe: { failures: 0 } }],
    ['preStop.command', { ...COMMAND, preStop: {} }],
    ['graceSeconds', { ...COMMAND, graceSeconds: -1 }],
    ['drainSeconds', { ...COMMAND, drainSeconds: 86_401 }],
    ['logs.maxBytes', { ...COMMAND, logs: { maxBytes: 10 } }],
    ['logs.keep', { ...COMMAND, logs: { keep: 101 } }],
    ['nodeSelector', { ...COMMAND, nodeSelector: { 'a b': 'c' } }],
    ['', { command: ['a', ...Array.from({ length: 20 }, () => 'x'.repeat(4_000))] }],
  ];

  it.each(wrong)('is refused at %s (case %#)', (path, input) => {
    expect(templateBreaks(templateOf(input)).map((found) => pathText(found.path))).toEqual([path]);
  });

  it('may hold anything else in arguments and environment: no shell reads them', () => {
    const args = ['$(reboot)', '`reboot`', '; rm -rf /', "'", '"', '*', 'a\nb', '\u001b[31m', ''];
    const template = templateOf({ command: ['/bin/x', ...args], env: { A: 'l1\nl2', constructor: 'x' } });
    expect(templateBreaks(template)).toEqual([]);
  });
});
