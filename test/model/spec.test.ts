/** Tests spec files: both syntaxes, positions of errors, caps, and that hostile input is refused as invalid. */
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { SluiceError } from '../../src/errors.ts';
import type { SpecErrorItem } from '../../src/model/spec-errors.ts';
import { specFromFlags } from '../../src/model/spec-flags.ts';
import { formatSpec } from '../../src/model/spec-format.ts';
import { readJson } from '../../src/model/spec-json.ts';
import { serviceWarnings } from '../../src/model/service-rules.ts';
import type { SpecNode } from '../../src/model/spec-tree.ts';
import { parseSpecs } from '../../src/model/spec.ts';
import { failureOf } from './failure.ts';

// A loaded machine is no failure.
vi.setConfig({ testTimeout: 60_000 });

const HEAD = 'kind: Service\nname: web\n';
const ENTRIES = 'entries: ["10.96.0.10:80"]\n';
const INSTANCES = 'instances: ["10.0.1.11:8080"]\n';
const GOOD = HEAD + ENTRIES + INSTANCES;

/** The items of `details.errors`; their shape is checked by the tests that read them. */
function itemsOf(failure: SluiceError): readonly Partial<SpecErrorItem>[] {
  const errors = failure.details['errors'];
  return Array.isArray(errors) ? errors : [];
}

async function errorsOf(text: string, file = 'web.yaml'): Promise<readonly Partial<SpecErrorItem>[]> {
  const failure = await failureOf(() => parseSpecs(text, { file }));
  expect(failure.code).toBe('invalid-spec');
  expect(failure.message).not.toMatch(/\p{Cc}/u);
  return itemsOf(failure);
}

const instanceList = (count: number): string =>
  JSON.stringify(Array.from({ length: count }, (_, i) => `10.${i >> 8}.${i & 255}.1:80`));

describe('good specs', () => {
  it('are read from YAML in both spellings, canonical and in order', async () => {
    const text = `${HEAD}entries:
  - {ip: "FD00:0::10", port: 53, protocol: udp}
  - 10.96.0.10:80
instances: [{address: "10.0.1.12:8080", weight: 3}, 10.0.1.11:8080, "[fd00::0:1]:53=0"]
masquerade: true
`;
    const [spec] = await parseSpecs(text, { file: 'web.yaml' });
    expect(spec && formatSpec(spec)).toBe(
      `kind: Service
name: "web"
entries:
  - "10.96.0.10:80/tcp"
  - "[fd00::10]:53/udp"
instances:
  - "10.0.1.11:8080"
  - "10.0.1.12:8080=3"
  - "[fd00::1]:53=0"
masquerade: true
`,
    );
  });

  it.each([
    ['several documents', `---\n${GOOD}---\n${GOOD.replace('web', 'db')}---\n`],
    ['a list', JSON.stringify([JSON.parse(json('web')), JSON.parse(json('db'))])],
    ['JSON values one after the other', `${json('web')}\n${json('db')}\n`],
    ['a YAML list', `- ${json('web')}\n- ${json('db')}\n`],
    [
      'a byte order mark and Windows line ends',
      `\ufeff${GOOD}---\n${GOOD.replace('web', 'db')}`.replaceAll('\n', '\r\n'),
    ],
    ['anchors', `&a\n${GOOD}---\nkind: Service\nname: db\nentries: &e ["10.96.0.10:80"]\ninstances: []\n`],
  ])('may come as %s', async (_, text) => {
    expect((await parseSpecs(text, { file: '-' })).map(({ name }) => name)).toEqual(['web', 'db']);
  });

  it('may use an alias within a document', async () => {
    const text = `${HEAD}entries: ["10.96.0.10:80"]\ninstances: [{address: "10.0.1.11:80", weight: &w 3}, {address: "10.0.1.12:80", weight: *w}]`;
    expect((await parseSpecs(text, { file: '-' }))[0]?.instances.map(({ weight }) => weight)).toEqual([3, 3]);
  });

  it('quotes names that YAML would read as something else', async () => {
    for (const name of ['null', 'true', '404', '1e3', '0x1f', 'no', '0']) {
      const spec = specFromFlags({ name, entries: ['10.96.0.10:80'], instances: [] });
      expect(await parseSpecs(formatSpec(spec), { file: 'x.yaml' })).toEqual([spec]);
      expect(await parseSpecs(formatSpec(spec, 'json'), { file: 'x.json' })).toEqual([spec]);
    }
  });

  it('takes as many instances as a service may have', async () => {
    expect(
      (await parseSpecs(`${HEAD}${ENTRIES}instances: ${instanceList(4_000)}`, { file: '-' }))[0]?.instances,
    ).toHaveLength(4_000);
    const [error] = await errorsOf(`${HEAD}${ENTRIES}instances: ${instanceList(4_001)}`);
    expect(error?.message).toBe('web.yaml:4:12: instances: 4001 items are too many');
    expect(error?.allowed).toBe('at most 4000 a service');
  });
});

function json(name: string): string {
  return JSON.stringify({
    kind: 'Service',
    name,
    entries: ['10.96.0.10:80/tcp'],
    instances: ['10.0.1.11:8080'],
  });
}

describe('errors', () => {
  it('are all told, in the order of the file, with line, column, field, value and what is allowed', async () => {
    const text = `kind: service
name: Web
entries: ["10.96.0.10:80/sctp", {ip: 10.96.0.10, port: 70000}]
instances:
  - 010.0.0.1:80
  - address: 10.0.1.11:8080
    wieght: 3
  - 10.96.0.11:80=
masquerade: "false"
`;
    const errors = await errorsOf(text);
    expect(errors.map(({ message }) => message)).toEqual([
      'web.yaml:1:7: kind: "service" is not a kind',
      'web.yaml:2:7: name: "Web" is not a name',
      'web.yaml:3:11: entries[0]: "10.96.0.10:80/sctp" is not an entry',
      'web.yaml:3:56: entries[1].port: 70000 is not a port',
      'web.yaml:5:5: instances[0]: "010.0.0.1:80" is not an address',
      'web.yaml:7:5: instances[1].wieght: unknown field "wieght"; did you mean weight?',
      'web.yaml:8:5: instances[2]: "" is not a weight',
      'web.yaml:9:13: masquerade: "false" is not allowed here',
    ]);
    expect(errors[3]).toMatchObject({
      file: 'web.yaml',
      line: 3,
      column: 56,
      field: 'entries[1].port',
      value: '70000',
    });
    expect(errors[3]?.allowed).toBe('a whole number from 1 to 65535, without quotes');
    const failure = await failureOf(() => parseSpecs(text, { file: 'web.yaml' }));
    expect(failure.message).toBe('web.yaml:1:7: kind: "service" is not a kind (and 7 more errors)');
    expect(failure.details).toMatchObject({
      file: 'web.yaml',
      line: 1,
      field: 'kind',
      allowed: 'Service',
      count: 8,
    });
  });

  it('are told up to 20, and counted', async () => {
    const text = `${HEAD}${ENTRIES}instances: [${'x, '.repeat(30)}]`;
    const failure = await failureOf(() => parseSpecs(text, { file: '-' }));
    expect(failure.details['errors']).toHaveLength(20);
    expect(failure.details['count']).toBe(30);
  });

  it.each([
    ['{"kind":"Service","name":"web",\n "name":"x"}', 'a.json:2:2: field "name" is there twice'],
    ['{"kind":"Service",}', 'a.json:1:19: "}" is not expected here'],
    ['{"kind":\n"Service"', 'a.json:2:10: the text ends too early'],
    ["{'kind':1}", `a.json:1:2: "'" is not expected here`],
    ['[1,2', 'a.json:1:5: the text ends too early'],
    ['"web"', 'a.json:1:1: "web" is not allowed here'],
    ['', 'a.json:1:1: there is no service in it'],
  ])('in JSON point at the place: %s', async (text, message) => {
    expect((await errorsOf(text, 'a.json'))[0]?.message).toBe(message);
  });

  it.each([
    [`${GOOD}name: again\n`, 'web.yaml:5:1: field "name" is there twice'],
    [`${GOOD}---\n${GOOD}`, 'web.yaml:7:7: name: service "web" is there twice'],
    [
      `${HEAD}entries: ["10.96.0.10:80", "10.96.0.10:80/tcp"]\n${INSTANCES}`,
      'web.yaml:3:28: entries[1]: 10.96.0.10:80/tcp is there twice',
    ],
    [
      `${HEAD}${ENTRIES}instances: ["[fd00::1]:1", "[FD00:0::1]:1=2"]`,
      'web.yaml:4:28: instances[1]: [fd00::1]:1 is there twice',
    ],
    [
      `${HEAD}${ENTRIES}instances: ["10.96.0.10:80"]`,
      'web.yaml:4:13: instances[0]: 10.96.0.10:80 is an entry of the service itself: connections would go round in a loop',
    ],
    [`${HEAD}entries: []\n${INSTANCES}`, 'web.yaml:3:10: entries: a service needs an entry'],
    [`${HEAD}${ENTRIES}`, 'web.yaml:1:1: instances: the field instances is missing'],
    ['kind: Service\n---\n', 'web.yaml:1:1: name: the field name is missing'],
    [
      'foo: [',
      'web.yaml:1:7: not valid YAML: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ],
    ['# nothing\n---\n', 'web.yaml:1:1: there is no service in it'],
  ])('in YAML point at the place (case %#)', async (text, message) => {
    expect((await errorsOf(text))[0]?.message).toBe(message);
  });

  it.each([
    '0.0.0.0',
    '127.0.0.1',
    '224.0.0.1',
    '255.255.255.255',
    '169.254.1.1',
    '[::]',
    '[::1]',
    '[ff02::1]',
    '[fe80::1]',
  ])('refuse %s as entry and as instance', async (ip) => {
    expect((await errorsOf(`${HEAD}entries: ["${ip}:80"]\n${INSTANCES}`))[0]?.message).toContain(
      'cannot be an entry',
    );
    expect((await errorsOf(`${HEAD}${ENTRIES}instances: ["${ip}:80"]`))[0]?.message).toContain(
      'cannot be an instance',
    );
  });
});

const BOMB = Array.from(
  { length: 9 },
  (_, i) => `a${i}: &a${i} [${i === 0 ? '"x"' : `*a${i - 1},`.repeat(9)}]\n`,
).join('');

const hostile: Readonly<Record<string, string>> = {
  newline: `${HEAD}${ENTRIES}instances: ["10.0.0.1:80\\n-A INPUT -j DROP"]`,
  nul: `${HEAD}${ENTRIES}instances: ["10.0.0.1:80\\0"]`,
  'raw nul': `${GOOD}\0`,
  'proto field': `${GOOD}__proto__: {masquerade: true}`,
  'constructor field': `${GOOD}constructor: 1`,
  'proto name': GOOD.replace('web', '__proto__'),
  'octal address': GOOD.replace('10.0.1.11', '010.0.0.1'),
  'big port': GOOD.replace('8080', '70000'),
  path: GOOD.replace('web', '../web'),
  'unicode digits': GOOD.replace('8080', '８０８０'),
  'leading dash': GOOD.replace('web', '-web'),
  infinite: `${HEAD}${ENTRIES}instances: [{address: "10.0.0.1:80", weight: .inf}]`,
  'not a number': `${HEAD}${ENTRIES}instances: [{address: "10.0.0.1:80", weight: .nan}]`,
  exponent: `${HEAD}${ENTRIES}instances: [{address: "10.0.0.1:80", weight: 1e20}]`,
  'leading zero': `${HEAD}${ENTRIES}instances: [{address: "10.0.0.1:80", weight: 017}]`,
  octal: `${HEAD}${ENTRIES}instances: [{address: "10.0.0.1:80", weight: 0o17}]`,
  hex: `${HEAD}${ENTRIES}instances: [{address: "10.0.0.1:80", weight: 0x11}]`,
  fraction: `${HEAD}${ENTRIES}instances: [{address: "10.0.0.1:80", weight: 1.0}]`,
  signed: `${HEAD}${ENTRIES}instances: [{address: "10.0.0.1:80", weight: +1}]`,
  'foreign tag': `${GOOD}x: !!js/function "() => 1"`,
  'known tag': GOOD.replace('web', '!!str web'),
  'binary tag': GOOD.replace('web', '!!binary d2Vi'),
  'set tag': `!!set\n${GOOD}`,
  'tag directive': `%TAG ! tag:x,2000:\n---\n${GOOD}`.replace('web', '!a web'),
  'YAML 1.1': `%YAML 1.1\n---\n${GOOD}`,
  'merge key': `${GOOD}<<: {masquerade: true}`,
  'complex key': `? [a]\n: b\n${GOOD}`,
  'number key': `1: 2\n${GOOD}`,
  'cyclic anchor': `${HEAD}entries: &e [*e]\n${INSTANCES}`,
  'undefined alias': `${HEAD}entries: *nothing\n${INSTANCES}`,
  bomb: BOMB,
  'deep flow': '['.repeat(100_000),
  'deep maps': '{"a":'.repeat(100_000),
  'deep blocks': '- '.repeat(20_000),
  'deep YAML maps': '{a: '.repeat(50_000),
  'too long': `${GOOD}#${'x'.repeat(1024 * 1024)}`,
  'many keys': Array.from({ length: 20_000 }, (_, i) => `k${i}:`).join('\n'),
  'many parts': `[${','.repeat(1_000_000)}]`,
  'lone surrogate': GOOD.replace('web', '\ud800'),
  'escape sequence': GOOD.replace('web', '"\\e[31mweb"'),
  'right-to-left': GOOD.replace('web', '"\\u202eweb"'),
};

describe('hostile specs', () => {
  it.each(Object.entries(hostile))('are refused: %s', async (_, text) => {
    expect((await errorsOf(text)).length).toBeGreaterThan(0);
    expect((await errorsOf(text, 'x.json')).length).toBeGreaterThan(0);
    expect(({} as Record<string, unknown>)['masquerade']).toBeUndefined();
  });
});

const warningsOf = (entries: readonly string[], instances: readonly string[]): readonly string[] =>
  serviceWarnings(specFromFlags({ name: 'web', entries, instances }));

describe('flags', () => {
  it('make the same spec as a file', async () => {
    const flags = { name: 'web', entries: ['10.96.0.10:80'], instances: ['10.0.1.11:8080'] };
    expect([specFromFlags(flags)]).toEqual(await parseSpecs(GOOD, { file: '-' }));
  });

  it.each([
    { entries: [] },
    { entries: ['127.0.0.1:80'] },
    { entries: ['10.96.0.10:80', '10.96.0.10:80/tcp'] },
    { entries: Array.from({ length: 65 }, (_, i) => `10.96.0.10:${i + 1}`) },
    { instances: ['10.96.0.10:80'] },
    { instances: ['10.0.0.1:80', '10.0.0.1:80=2'] },
    { name: 'Web' },
  ])('are checked like a file (case %#)', async (part) => {
    const flags = { name: 'web', entries: ['10.96.0.10:80'], instances: [], ...part };
    expect((await failureOf(() => specFromFlags(flags))).code).toBe('invalid-spec');
  });

  it('warn of what is allowed but hardly meant', () => {
    expect(warningsOf(['10.96.0.10:80'], ['10.0.0.1:80'])).toEqual([]);
    expect(warningsOf(['10.96.0.10:80'], [])).toEqual([
      'the service has no instances: connections to it are refused',
    ]);
    expect(warningsOf(['10.96.0.10:80'], ['10.0.0.1:80=0'])).toEqual([
      'all weights are 0: new connections are refused',
    ]);
    expect(warningsOf(['10.96.0.10:80', '[fd00::1]:80'], ['10.0.0.1:80', '[fd00::2]:80=0'])).toEqual([
      '[fd00::1]:80/tcp has no IPv6 instance: connections to it are refused',
    ]);
  });
});

/** What JSON.parse would have made of the tree. */
function plainOf(node: SpecNode): unknown {
  if (node.kind === 'map') {
    return Object.fromEntries([...node.fields].map(([key, field]) => [key, plainOf(field.value)]));
  }
  if (node.kind === 'list') return node.items.map(plainOf);
  if (node.kind === 'number') return Number(node.text);
  if (node.kind === 'flag') return node.value;
  return node.kind === 'text' ? node.text : null;
}

/** What JSON.parse reads, or an empty list where it refuses. */
function parsedOrNothing(text: string): readonly unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return [];
  }
}

describe('the JSON reader', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' }),
        fc.constantFrom(0, 2),
        (value, indent) => {
          const text = JSON.stringify(value, undefined, indent);
          const { documents, defects } = readJson(text);
          expect(defects).toEqual([]);
          expect(documents.map(plainOf)).toEqual([JSON.parse(text)]);
        },
      ),
      { seed: 7, numRuns: 500 },
    );
  });

  it('refuses what JSON.parse refuses', () => {
    const noise = fc.array(fc.constantFrom(...'{}[]",:\\untrefalsu019.-+eE \n\t\u0000é'.split('')), {
      maxLength: 12,
    });
    fc.assert(
      fc.property(noise, (symbols) => {
        const text = symbols.join('');
        const { documents, defects } = readJson(text);
        const expected = parsedOrNothing(text);
        const isTwice = defects[0]?.what.includes('twice') === true;
        // Several values, or none, are fine for a spec text, not for JSON.parse.
        const ours = isTwice || documents.length !== 1 ? [] : documents.map(plainOf);
        expect(ours).toEqual(isTwice ? [] : expected);
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });
});
