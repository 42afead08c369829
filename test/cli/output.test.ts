import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { formatError } from '../../src/cli/error-output.ts';
import { PLAIN } from '../../src/cli/palette.ts';
import { ageFormat } from '../../src/cli/output/age.ts';
import { renderTable } from '../../src/cli/output/table.ts';
import { formatYaml } from '../../src/cli/output/yaml.ts';
import { quoteWord } from '../../src/cli/session.ts';
import { SluiceError } from '../../src/errors.ts';
import { nodeSays } from '../ops/world.ts';
import { cluster } from './run.ts';

const SEED = { seed: 20_260_102 };
const layout = { headers: true, width: undefined, palette: PLAIN };
const row = (...texts: readonly string[]): readonly { readonly text: string }[] =>
  texts.map((text) => ({ text }));

describe('tables', () => {
  it('pad all columns but the last', () => {
    const table = { headings: ['A', 'LONG'], rows: [row('wide cell', 'x'), row('y', '')] };
    expect(renderTable(table, layout)).toBe('A          LONG\nwide cell  x\ny\n');
  });

  it('have one line a row, whatever foreign text holds', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.string()), { maxLength: 5 }),
        (cells) => {
          const rows = cells.map(([a, b]) => row(a, b));
          const text = renderTable({ headings: ['A', 'B'], rows }, layout);
          expect(text.split('\n')).toHaveLength(rows.length + 2);
          // oxlint-disable-next-line no-control-regex
          expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f]/);
        },
      ),
    );
  });

  it('give way at the widest column first, and never below eight characters', () => {
    const table = { headings: ['A', 'B'], rows: [row('a'.repeat(30), 'b'.repeat(10))] };
    const text = renderTable(table, { ...layout, width: 24 });
    expect(text.split('\n')[1]).toBe(`${'a'.repeat(11)}…  ${'b'.repeat(10)}`);
    const narrow = renderTable(table, { ...layout, width: 3 });
    expect(narrow.split('\n')[1]).toBe(`${'a'.repeat(7)}…  ${'b'.repeat(7)}…`);
  });
});

describe('ages', () => {
  it('are relative on a terminal and RFC 3339 elsewhere', () => {
    const age = ageFormat(new Date('2026-01-02T03:05:05.000Z'));
    expect(age('2026-01-02T03:04:05.000Z')).toBe('1m');
    expect(ageFormat(undefined)('2026-01-02T03:04:05.000Z')).toBe('2026-01-02T03:04:05.000Z');
    expect(age(undefined)).toBe('-');
  });
});

describe('YAML', () => {
  it('reads back as the same data', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
        const data = JSON.parse(JSON.stringify({ value }));
        expect(parse(formatYaml(data))).toEqual(data);
      }),
      SEED,
    );
  });
});

describe('errors', () => {
  const style = { json: false, debug: false, palette: PLAIN };

  it('are three lines, whatever the facts hold', () => {
    const error = new SluiceError('failed', 'a\nb\u001b[31m', { why: 'c\r\nd', fix: 'e\tf' });
    expect(formatError(error, style)).toBe('error: a b [31m [failed]\n  why: c d\n  fix: e f\n');
  });

  it('keep details as JSON', () => {
    const error = new SluiceError('conflict', 'taken', { details: { holder: 'web' } });
    expect(JSON.parse(formatError(error, { ...style, json: true }))).toEqual({
      kind: 'Error',
      version: 1,
      code: 'conflict',
      exitCode: 75,
      message: 'taken',
      why: null,
      fix: null,
      details: { holder: 'web' },
    });
  });
});

describe('words for a shell', () => {
  it.each([
    ['10.0.1.11:8080=3', '10.0.1.11:8080=3'],
    ['more load', "'more load'"],
    ["it's", "'it'\\''s'"],
    ['', "''"],
    ['[fd00::1]:80', "'[fd00::1]:80'"],
  ])('%j become %s', (word, quoted) => {
    expect(quoteWord(word)).toBe(quoted);
  });
});

describe('progress', () => {
  const words = 'publish web --entry 10.96.0.10:80 --timeout 150ms';

  it('spins on a terminal, and leaves nothing behind', async () => {
    const { store, sluice } = cluster();
    await nodeSays(store, 'n1', { applied: 1 });
    const { code, stderr } = await sluice(words, { terminal: true });
    expect(code).toBe(124);
    expect(stderr).toContain('waiting for the nodes to apply revision');
    expect(stderr).toContain('\u001b[?25h');
  });

  it.each([
    ['on a pipe', {}],
    ['on a terminal without a width', { terminal: true, columns: 0 }],
    ['on a dumb terminal', { terminal: true, env: { TERM: 'dumb' } }],
  ])('does not spin %s', async (_title, options) => {
    const { store, sluice } = cluster();
    await nodeSays(store, 'n1', { applied: 1 });
    const { stderr } = await sluice(words, options);
    expect(stderr).not.toContain('waiting for the nodes');
  });
});
