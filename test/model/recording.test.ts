import { describe, expect, it } from 'vitest';
import {
  readRecording,
  type RecordedLook,
  recordingHeader,
  recordingLine,
} from '../../src/model/recording.ts';

const AT = '2026-01-01T00:00:00.000Z';
const LOAD = { node: 'n1', at: 5, cores: 4, instances: { 'web/i1': { cpu: 0.5 } }, newConnections: {} };
const LOOK: RecordedLook = {
  ms: 2_000,
  at: AT,
  changed: { 'service/web': { value: '{}', createRevision: 1, modRevision: 2 }, 'weights/web': null },
  samples: { n1: { ageMs: 3, load: LOAD }, n2: null },
  values: { web: { queue: { ageMs: 10, value: 4.5 } } },
};
const HEADER = recordingHeader(AT);

function read(text: string): { readonly looks: readonly RecordedLook[]; readonly cut: readonly number[] } {
  const cut: number[] = [];
  return { looks: [...readRecording('a.jsonl', text, (line) => cut.push(line))], cut };
}

describe('a recording', () => {
  it('is read as it was written', () => {
    const later = { ...LOOK, ms: 4_000 };
    expect(read(HEADER + recordingLine(LOOK) + recordingLine(later))).toEqual({
      looks: [LOOK, later],
      cut: [],
    });
    expect(read(HEADER)).toEqual({ looks: [], cut: [] });
  });

  it('is read up to a last line that was cut off, and tells which', () => {
    const line = recordingLine({ ...LOOK, ms: 4_000 });
    for (const length of [1, 20, line.length - 1]) {
      expect(read(HEADER + recordingLine(LOOK) + line.slice(0, length))).toEqual({ looks: [LOOK], cut: [3] });
    }
  });

  it.each([
    ['nothing', '', 1, 'the file is empty'],
    ['another file', 'hello\n', 1, 'it is not JSON'],
    ['a header that was cut off', HEADER.slice(0, 10), 1, 'it is not JSON'],
    ['another version', HEADER.replace('1', '2'), 1, 'version: must be 1'],
    ['JSON of something else', `${HEADER}[]\n`, 2, 'kind: '],
    ['a broken line in the middle', `${HEADER}{"kind":\n${recordingLine(LOOK)}`, 2, 'it is not JSON'],
    [
      'time that goes back',
      HEADER + recordingLine(LOOK) + recordingLine({ ...LOOK, ms: 1 }),
      3,
      'ms: 1 is before',
    ],
    ['a sample that cannot be', HEADER + recordingLine(LOOK).replace('0.5', '-1'), 2, 'samples.n1: '],
    [
      'a record without a revision',
      HEADER + recordingLine(LOOK).replace('"modRevision":2', '"x":2'),
      2,
      'changed.service/web.modRevision',
    ],
  ])('refuses %s, with the line', (_, text, line, why) => {
    expect(() => read(text)).toThrow(
      expect.objectContaining({
        code: 'invalid-spec',
        message: `line ${line} of a.jsonl is not part of a recording`,
        why: expect.stringContaining(why),
      }),
    );
  });
});
