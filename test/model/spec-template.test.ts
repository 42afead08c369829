/** Tests templates in spec files: both ways of a command, defaults, positions of errors, and the canonical text. */
import { describe, expect, it } from 'vitest';
import type { SpecErrorItem } from '../../src/model/spec-errors.ts';
import { formatSpec } from '../../src/model/spec-format.ts';
import { parseSpecs } from '../../src/model/spec.ts';
import { templateOf } from '../../src/model/template-defaults.ts';
import { failureOf } from './failure.ts';

const HEAD = 'kind: Service\nname: web\nentries: ["10.96.0.10:80"]\n';
const FULL = `${HEAD}replicas: 3
template:
  driver: process
  command: node 'my server.js' --port {port}
  env: {HOME: /srv, MODE: "{service}"}
  workingDirectory: /srv/web
  user: web
  ports: 21000-21099
  limits: {cpu: 0.5, memory: 256MiB, pids: 100, files: 1024}
  probe: {kind: http, path: /healthz, host: web.example, status: 200-299, interval: 5s, timeout: 500ms, successes: 1, failures: 2, start: 1m}
  preStop: {command: [/bin/notify, "{id}"], timeout: 5s}
  stopSignal: SIGINT
  grace: 30s
  drain: 2m
  onDeadline: reset
  logs: {max: 1MiB, keep: 2}
  nodeSelector: {zone: a}
`;

/** `line:column field` of each error. */
async function errorsOf(text: string): Promise<readonly string[]> {
  const failure = await failureOf(() => parseSpecs(text, { file: 'web.yaml' }));
  expect(failure.code).toBe('invalid-spec');
  const errors = failure.details['errors'];
  const items: readonly SpecErrorItem[] = Array.isArray(errors) ? errors : [];
  return items.map(({ line, column, field }) => `${line}:${column} ${field}`);
}

describe('a template in a spec', () => {
  it('is read with all its fields', async () => {
    const [spec] = await parseSpecs(FULL, { file: 'web.yaml' });
    expect(spec).toMatchObject({ name: 'web', replicas: 3, instances: [] });
    expect(spec?.template).toEqual({
      driver: 'process',
      command: ['node', 'my server.js', '--port', '{port}'],
      env: { HOME: '/srv', MODE: '{service}' },
      workingDirectory: '/srv/web',
      user: 'web',
      ports: { from: 21_000, to: 21_099 },
      limits: { cpu: 0.5, memoryBytes: 268_435_456, pids: 100, files: 1_024 },
      probe: {
        kind: 'http',
        path: '/healthz',
        host: 'web.example',
        status: { from: 200, to: 299 },
        intervalSeconds: 5,
        timeoutSeconds: 0.5,
        successes: 1,
        failures: 2,
        startSeconds: 60,
      },
      preStop: { command: ['/bin/notify', '{id}'], timeoutSeconds: 5 },
      stopSignal: 'SIGINT',
      graceSeconds: 30,
      drainSeconds: 120,
      onDeadline: 'reset',
      logs: { maxBytes: 1_048_576, keep: 2 },
      nodeSelector: { zone: 'a' },
    });
  });

  it('needs a command only: everything else has a default', async () => {
    const [spec] = await parseSpecs(`${HEAD}template: {command: [node, server.js]}\n`, { file: 'web.yaml' });
    expect(spec?.template).toEqual(templateOf({ command: ['node', 'server.js'] }));
    expect(spec?.replicas).toBeUndefined();
  });

  it.each(['yaml', 'json'] as const)('is written as %s that reads back to the same', async (format) => {
    for (const text of [FULL, `${HEAD}template: {driver: podman, image: "nginx:1.27"}\n`]) {
      const specs = await parseSpecs(text, { file: 'web.yaml' });
      const written = specs.map((spec) => formatSpec(spec, format)).join('');
      expect(await parseSpecs(written, { file: `web.${format}` })).toEqual(specs);
    }
  });

  it.each([
    ['template: {}\n', ['4:11 template.command']],
    ['replicas: 3\ninstances: []\n', ['4:11 replicas']],
    ['instances: ["10.0.1.1:80"]\ntemplate: {command: a}\n', ['4:12 instances']],
    ['replicas: 1001\ntemplate: {command: a}\n', ['4:11 replicas']],
    ['template: {comand: a}\n', ['4:12 template.comand']],
    ['template: {command: [a, "{prot}"]}\n', ['4:25 template.command[1]']],
    ['template: {command: "a {prot}"}\n', ['4:21 template.command[1]']],
    ['template: {command: "a | b"}\n', ['4:21 template.command']],
    ['template: {command: [a, 80]}\n', ['4:25 template.command[1]']],
    ['template: {command: a, env: {A: 1}}\n', ['4:33 template.env.A']],
    ['template: {command: a, env: {"A-B": x}}\n', ['4:37 template.env.A-B']],
    ['template: {command: a, grace: 10}\n', ['4:31 template.grace']],
    ['template: {command: a, grace: 2h}\n', ['4:31 template.grace']],
    ['template: {command: a, ports: 0-10}\n', ['4:31 template.ports']],
    ['template: {command: a, driver: shell}\n', ['4:32 template.driver']],
    ['template: {command: a, limits: {memory: 1KiB}}\n', ['4:41 template.limits.memory']],
    ['template: {command: a, limits: {cpu: 1e3}}\n', ['4:38 template.limits.cpu']],
    ['template: {command: a, probe: {kind: http, send: x}}\n', ['4:44 template.probe.send']],
    ['template: {command: a, probe: {interval: 1ms}}\n', ['4:42 template.probe.interval']],
    ['template: {command: a, preStop: {timeout: 5s}}\n', ['4:33 template.preStop.command']],
    [
      'template: {command: a, logs: {max: 1B, keep: 500}}\n',
      ['4:36 template.logs.max', '4:46 template.logs.keep'],
    ],
    ['template: {command: a, nodeSelector: {zone: "a b"}}\n', ['4:38 template.nodeSelector']],
    ['template: {command: a, workingDirectory: ../x}\n', ['4:42 template.workingDirectory']],
    ['template: [a]\n', ['4:11 template']],
  ])('is refused in %j at its place', async (text, expected) => {
    expect(await errorsOf(HEAD + text)).toEqual(expected);
  });
});
