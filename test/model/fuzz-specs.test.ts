/**
 * Fuzzes specs: thousands of texts, from noise through mutated files to well-formed structures of hostile values. Each is refused as
 * `invalid-spec`, or accepted; what is accepted renders canonically, reads back to itself, passes the stored form, can be planned,
 * and makes only lines for iptables-restore that the grammar knows.
 */
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { SluiceError } from '../../src/errors.ts';
import { formatAddress } from '../../src/model/address.ts';
import { formatEntry } from '../../src/model/entry.ts';
import {
  decodeInstance,
  decodeService,
  encodeInstance,
  encodeService,
} from '../../src/model/records-service.ts';
import type { ServiceSpec, Stored } from '../../src/model/service.ts';
import type { Snapshot } from '../../src/model/snapshot.ts';
import { expandPlaceholders } from '../../src/model/placeholders.ts';
import { formatSpec } from '../../src/model/spec-format.ts';
import { parseSpecs } from '../../src/model/spec.ts';
import { templateBreaks } from '../../src/model/template-rules.ts';
import type { Template } from '../../src/model/template.ts';
import type { Plan } from '../../src/plan/plan.ts';
import { planJson } from '../../src/plan/plan-json.ts';
import { planPublish } from '../../src/plan/publish.ts';
import { diffChains } from '../../src/rules/iptables/diff.ts';
import { documentsOf } from '../../src/rules/iptables/documents.ts';
import { assertRestoreText } from '../../src/rules/iptables/grammar.ts';
import { NOTHING_INSTALLED } from '../../src/rules/iptables/parse.ts';
import { renderChains } from '../../src/rules/iptables/render.ts';
import { rulesetOf } from '../../src/rules/ruleset-of.ts';

// A loaded machine is no failure.
vi.setConfig({ testTimeout: 240_000 });

const NOW = '2026-01-31T09:30:00.000Z';
/** What an accepted spec may be made of; nothing else may ever reach a rule, a key or a path. */
const CANONICAL =
  /^kind: Service\nname: "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"\nentries:\n( {2}- "[0-9a-f.:[\]]+:[0-9]{1,5}\/(tcp|udp)"\n)+instances:( \[\]\n|\n( {2}- "[0-9a-f.:[\]]+:[0-9]{1,5}(=[0-9]{1,5})?"\n)+)masquerade: (true|false)\n$/;

/** The services of a text, or undefined if it is refused; any other error is a crash. */
async function accepted(text: string, file: string): Promise<readonly ServiceSpec[] | undefined> {
  try {
    return await parseSpecs(text, { file });
  } catch (error) {
    if (!(error instanceof SluiceError) || error.code !== 'invalid-spec') throw error;
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(error.details['errors']).not.toEqual([]);
    return undefined;
  }
}

const stored = <T>(value: T): Stored<T> => ({ value, createRevision: 1, modRevision: 1, raw: {} });

/** What a plan makes of an empty store, as an agent sees it. */
function snapshotAfter(plan: Plan): Snapshot {
  const services = plan.changes.flatMap((change) => (change.kind === 'create-service' ? [change.after] : []));
  return {
    revision: 1,
    services: new Map(services.map((service) => [service.name, stored(service)])),
    instances: new Map([[plan.service, plan.after.map(stored)]]),
  };
}

/** Every line that would reach iptables-restore is one that the grammar knows, and nothing of the spec is lost on the way. */
function checkRules(plan: Plan): void {
  const ruleset = rulesetOf(snapshotAfter(plan));
  expect(ruleset.entries.map(({ entry }) => formatEntry(entry))).toEqual(plan.claims.map(formatEntry));
  for (const family of ['ipv4', 'ipv6'] as const) {
    const chains = renderChains(ruleset, family);
    for (const { text } of documentsOf(diffChains(NOTHING_INSTALLED, chains), chains))
      assertRestoreText(text, family);
  }
}

/** What an accepted template may hold, whatever it came from: what a process can be given, and nothing that leaves its place. */
function checkTemplate(template: Template): void {
  const texts = [
    ...template.command,
    ...Object.values(template.env),
    ...(template.preStop?.command ?? []),
    ...(template.probe.kind === 'exec' ? template.probe.command : []),
  ];
  for (const text of texts) {
    expect(text).not.toMatch(/[\0\p{Cs}]/u);
    expect(text.length).toBeLessThanOrEqual(4_096);
    expect(expandPlaceholders(text, VALUES)).not.toMatch(/\{(port|ip|id|service|node)\}(?!\})/);
  }
  for (const name of Object.keys(template.env)) expect(name).toMatch(/^[A-Za-z_][A-Za-z0-9_]*$/);
  expect(template.workingDirectory ?? '/').toMatch(/^\/(?!.*(^|\/)\.\.?(\/|$))/);
  expect(template.user ?? 'a').toMatch(/^[a-z_][a-z0-9_-]*$/);
  expect(template.ports.from).toBeGreaterThan(0);
  expect(templateBreaks(template)).toEqual([]);
}

async function checkAccepted(spec: ServiceSpec): Promise<void> {
  const yaml = formatSpec(spec);
  if (spec.template === undefined) expect(yaml).toMatch(CANONICAL);
  else checkTemplate(spec.template);
  expect(await parseSpecs(yaml, { file: 'x.yaml' })).toEqual([spec]);
  expect(await parseSpecs(formatSpec(spec, 'json'), { file: 'x.json' })).toEqual([spec]);
  const plan = planPublish({ spec, stored: undefined, revision: 1, now: NOW });
  expect(JSON.parse(JSON.stringify(planJson(plan)))).toEqual(planJson(plan));
  checkRules(plan);
  expect(plan.claims.map(formatEntry)).toEqual(spec.entries.map(formatEntry));
  expect(plan.after.map(formatAddress)).toEqual(spec.instances.map(formatAddress));
  for (const change of plan.changes) {
    if (change.kind === 'create-service') {
      expect(decodeService(spec.name, encodeService(change.after)).value).toEqual(change.after);
    } else if (change.kind === 'add-instance') {
      const { id } = change.after;
      expect(decodeInstance(spec.name, id, encodeInstance(change.after)).value).toEqual(change.after);
    }
  }
}

/** Runs a text through everything; the services that were accepted. */
async function tryText(text: string, file: string): Promise<readonly ServiceSpec[]> {
  const specs = await accepted(text, file);
  for (const spec of specs ?? []) await checkAccepted(spec);
  return specs ?? [];
}

const GOOD = `kind: Service
name: web
entries: ["10.96.0.10:80/tcp", {ip: "fd00::10", port: 53, protocol: udp}]
instances: ["10.0.1.11:8080", {address: "10.0.1.12:8080", weight: 3}]
masquerade: false
`;
const GOOD_JSON = JSON.stringify({
  kind: 'Service',
  name: 'web',
  entries: ['10.96.0.10:80/tcp', { ip: 'fd00::10', port: 53, protocol: 'udp' }],
  instances: ['10.0.1.11:8080', { address: '10.0.1.12:8080', weight: 3 }],
});

const GOOD_TEMPLATE = `kind: Service
name: web
entries: ["10.96.0.10:80/tcp"]
replicas: 2
template:
  command: node server.js --port {port}
  env: {A: "1", B: "{id}"}
  workingDirectory: /srv/web
  user: web
  ports: 20000-20099
  limits: {cpu: 0.5, memory: 64MiB, pids: 10}
  probe: {kind: http, path: /healthz, interval: 2s}
  grace: 10s
  nodeSelector: {zone: a}
`;
const VALUES = { port: '80', ip: '10.0.0.1', id: 'web-1', service: 'web', node: 'n1' };

const NASTY = [
  '\0',
  '\n',
  '\r',
  '\t',
  ' ',
  '-',
  '"',
  "'",
  ':',
  ': ',
  '=',
  '#',
  ' #',
  '&a ',
  '*a',
  '!!js ',
  '!!str ',
  '[',
  ']',
  '{',
  '}',
  ',',
  '|\n',
  '>-\n',
  '? ',
  '%YAML 1.1\n',
  '---\n',
  '...\n',
  '<<: *a\n',
  '__proto__',
  'constructor',
  '../',
  '/',
  '010',
  '0o17',
  '0x1f',
  '1e20',
  '.inf',
  '.nan',
  'null',
  '~',
  'true',
  '70000',
  '65536',
  '-1',
  '٣',
  '８',
  '\u202e',
  '\ufeff',
  '\ud800',
  '\u0085',
  '\u2028',
  '\\',
  '\\u0000',
  '$(x)',
  '`x`',
  ';',
  '::',
  '127.0.0.1',
  '0.0.0.0',
  '255.255.255.255',
  '-A INPUT',
  '=3',
  'kind',
  'name',
  'entries',
  'web',
  '10.96.0.10:80/tcp',
  '10.0.1.11:8080',
  '[fd00::1]:80',
  '{port}',
  '{{port}}',
  '{prot}',
  '{',
  '{{',
  "'; reboot #",
  '| cat',
  'template: {}\n',
  '..',
  '/../',
  'LD_PRELOAD',
  'SLUICE_INSTANCE_ID',
  '1e9s',
  '999d',
];
const nasty = fc.constantFrom(...NASTY);

/** A good text with pieces cut out and nasty ones put in. */
const mutated = fc
  .record({
    base: fc.constantFrom(
      GOOD,
      GOOD,
      GOOD_TEMPLATE,
      GOOD_TEMPLATE,
      GOOD_JSON,
      `${GOOD}---\n${GOOD.replace('web', 'db')}`,
    ),
    edits: fc.array(
      fc.record({
        at: fc.double({ min: 0, max: 1, noNaN: true }),
        cut: fc.nat(12),
        put: fc.oneof(nasty, fc.constant('')),
      }),
      { maxLength: 4 },
    ),
  })
  .map(({ base, edits }) => {
    let text = base;
    for (const { at, cut, put } of edits) {
      const from = Math.floor(at * text.length);
      text = text.slice(0, from) + put + text.slice(from + cut);
    }
    return text;
  });

const noise = fc
  .array(fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 6 })), { maxLength: 20 })
  .map((parts) => parts.join(''));

const ip = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.nat(255), fc.nat(255)).map(([a, b]) => `10.0.${a}.${b}`) },
  { weight: 2, arbitrary: fc.ipV4() },
  { weight: 2, arbitrary: fc.ipV6() },
  { weight: 1, arbitrary: nasty },
);
const hosted = ip.map((text) => (text.includes(':') && !text.startsWith('[') ? `[${text}]` : text));
const port = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 65_535 }) },
  { weight: 1, arbitrary: fc.integer() },
  { weight: 1, arbitrary: fc.double() },
);
const weight = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 65_535 }) },
  { weight: 1, arbitrary: fc.double() },
);
const anything = fc.oneof(nasty, fc.jsonValue({ maxDepth: 2 }));
const rarely = <T>(usual: fc.Arbitrary<T>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 40, arbitrary: usual }, { weight: 1, arbitrary: anything });

const entry = fc.oneof(
  fc
    .tuple(hosted, port, fc.constantFrom('', '/tcp', '/udp'))
    .map(([host, number, tail]) => `${host}:${number}${tail}`),
  fc.record(
    { ip: rarely(ip), port: rarely(port), protocol: rarely(fc.constantFrom('tcp', 'udp')) },
    { requiredKeys: ['ip', 'port'] },
  ),
);
const instance = fc.oneof(
  fc.tuple(hosted, port).map(([host, number]) => `${host}:${number}`),
  fc.tuple(hosted, port, weight).map(([host, number, share]) => `${host}:${number}=${share}`),
  fc.record(
    {
      address: rarely(fc.tuple(hosted, port).map(([host, number]) => `${host}:${number}`)),
      weight: rarely(weight),
    },
    { requiredKeys: ['address'] },
  ),
);
const name = fc.oneof(
  { weight: 20, arbitrary: fc.stringMatching(/^[a-z0-9]([-a-z0-9]{0,10}[a-z0-9])?$/) },
  { weight: 1, arbitrary: fc.string() },
);
const service = fc.record(
  {
    kind: rarely(fc.constant('Service')),
    name: rarely(name),
    entries: rarely(fc.array(rarely(entry), { minLength: 1, maxLength: 3 })),
    instances: rarely(fc.array(rarely(instance), { maxLength: 4 })),
    masquerade: rarely(fc.boolean()),
  },
  { requiredKeys: ['kind', 'name', 'entries', 'instances'] },
);
const word = fc.oneof(nasty, fc.string({ unit: 'binary', maxLength: 10 }), fc.constant('{port}'));
const time = fc.oneof(
  fc.nat(200).map((seconds) => `${seconds}s`),
  nasty,
);
const template = fc.record(
  {
    command: rarely(fc.oneof(fc.array(word, { minLength: 1, maxLength: 5 }), word)),
    driver: rarely(fc.constantFrom('process', 'process', 'systemd', 'podman', 'exec')),
    image: rarely(fc.oneof(nasty, fc.constant('nginx:1'))),
    env: rarely(fc.dictionary(fc.oneof(fc.stringMatching(/^[A-Z]{1,4}$/), nasty), word, { maxKeys: 4 })),
    workingDirectory: fc.oneof(word, fc.constant('/srv/web')),
    user: fc.oneof(nasty, fc.constant('web')),
    ports: fc.tuple(fc.nat(70_000), fc.nat(70_000)).map(([from, to]) => `${from}-${to}`),
    limits: fc.record(
      { cpu: rarely(fc.double()), memory: fc.oneof(nasty, fc.nat()), pids: fc.integer() },
      { requiredKeys: [] },
    ),
    probe: fc.record(
      {
        kind: rarely(fc.constantFrom('tcp', 'http', 'exec')),
        path: word.map((text) => `/${text}`),
        interval: time,
        failures: fc.integer(),
      },
      { requiredKeys: [] },
    ),
    grace: time,
    drain: time,
    nodeSelector: fc.dictionary(fc.oneof(nasty, fc.constant('zone')), fc.oneof(nasty, fc.constant('a'))),
  },
  { requiredKeys: ['command'] },
);
const managedService = fc.record(
  {
    kind: fc.constant('Service'),
    name: rarely(name),
    entries: fc.constant(['10.96.0.10:80']),
    replicas: rarely(fc.nat(1_100)),
    template: rarely(
      fc.oneof(template, fc.record({ command: fc.array(word, { minLength: 1, maxLength: 3 }) })),
    ),
  },
  { requiredKeys: ['kind', 'name', 'entries', 'template'] },
);
const structured = fc.oneof(
  { weight: 4, arbitrary: service },
  { weight: 2, arbitrary: managedService },
  { weight: 1, arbitrary: fc.array(service, { maxLength: 3 }) },
  { weight: 1, arbitrary: anything },
);

const FILES = fc.constantFrom('-', 'web.yaml', 'web.json');

async function fuzz(
  texts: fc.Arbitrary<string>,
  numRuns: number,
): Promise<{ readonly texts: number; readonly services: number; readonly templates: number }> {
  const seen = { texts: 0, services: 0, templates: 0 };
  const property = fc.asyncProperty(texts, FILES, async (text, file) => {
    const specs = await tryText(text, file);
    seen.texts += 1;
    seen.services += specs.length;
    seen.templates += specs.filter((spec) => spec.template !== undefined).length;
  });
  await fc.assert(property, { seed: 20_260_131, numRuns });
  return seen;
}

/** FUZZ_SPECS=8000 tries as many of a kind as were asked for once. */
const RUNS = Number(process.env['FUZZ_SPECS'] ?? 2_500);

describe('fuzzed specs', () => {
  it('of noise are refused without a crash', async () => {
    expect(await fuzz(noise, RUNS)).toMatchObject({ texts: RUNS });
  });

  it('of mutated files are refused or canonical', async () => {
    const seen = await fuzz(mutated, RUNS);
    expect(seen.texts).toBe(RUNS);
    // Guards the test itself: mutations that never let a spec through would check nothing.
    expect(seen.services).toBeGreaterThan(RUNS / 16);
    expect(seen.templates).toBeGreaterThan(RUNS / 80);
  });

  it('of structures with hostile values are refused or canonical', async () => {
    const seen = await fuzz(
      structured.map((value) => JSON.stringify(value)),
      RUNS,
    );
    expect(seen.texts).toBe(RUNS);
    expect(seen.services).toBeGreaterThan(RUNS / 16);
    expect(seen.templates).toBeGreaterThan(RUNS / 80);
  });
});
