/** Owns the text of an explanation: the way chain by chain, the instances, what stands in the way. Pure. */
import { formatShare } from '../../model/share.ts';
import { plainText } from '../../model/text.ts';
import type { EntryExplanation, ExplainStep, ExplainTarget } from '../../rules/explain/explanation.ts';
import type { Palette } from '../palette.ts';
import { type Cell, renderTable } from '../output/table.ts';

/** How it is laid out. */
export interface ExplainLayout {
  readonly palette: Palette;
  /** Columns of the terminal; undefined: never cut. */
  readonly width: number | undefined;
  readonly headers: boolean;
}

const cell = (text: string): Cell => ({ text });
const count = (packets: number | null): string => (packets === null ? '-' : String(packets));

function stepRow(step: ExplainStep): readonly Cell[] {
  const share = step.maybe ? 'maybe' : formatShare(step.share);
  const rule = step.rule.replace(/^-A \S+ ?/, '');
  return [
    cell(step.hook),
    cell(step.table),
    cell(step.chain),
    { text: share, ...(step.maybe ? { paint: 'warn' as const } : {}) },
    cell(count(step.packets)),
    cell(rule === '' ? step.verdict : rule),
  ];
}

function targetRow(target: ExplainTarget): readonly Cell[] {
  const differs = target.expected !== null && Math.abs(target.expected - target.share) > 1e-6;
  return [
    cell(target.address),
    { text: formatShare(target.share), ...(differs ? { paint: 'bad' as const } : {}) },
    cell(target.expected === null ? '-' : formatShare(target.expected)),
    cell(count(target.connections)),
    cell(target.ours ? 'sluice' : 'foreign or none'),
    cell(target.way),
  ];
}

function originText({ origin }: EntryExplanation): string {
  const source = origin.source ?? 'an unknown address';
  return origin.kind === 'node' ? `from this node, as ${source}` : `from ${source}, in by ${origin.device}`;
}

/** One explanation for people, several lines, newline included. */
export function explainText(explanation: EntryExplanation, layout: ExplainLayout): string {
  const { steps, targets, findings, lost } = explanation;
  const way = renderTable(
    { headings: ['HOOK', 'TABLE', 'CHAIN', 'SHARE', 'PACKETS', 'RULE'], rows: steps.map(stepRow) },
    layout,
  );
  const ends = renderTable(
    {
      headings: ['TO', 'CHANCE', 'WANTED', 'COUNTED', 'BY', 'WAY'],
      rows: targets.map(targetRow),
    },
    layout,
  );
  const lines = findings.map(({ severity, text, fix }) => {
    const word = severity === 'error' ? layout.palette.bad('error') : layout.palette.warn('warn ');
    return `${word}  ${plainText(text, 1000)}\n  fix  ${plainText(fix, 1000)}\n`;
  });
  return [
    `${explanation.entry} ${originText(explanation)}\n`,
    ...(steps.length === 0 ? ['no rule of any kind is met\n'] : [way]),
    ...(targets.length === 0 ? [] : ['\n', ends]),
    ...(lost > 0 ? [`${formatShare(lost)} of the connections end at a rule\n`] : []),
    ...(lines.length === 0 ? ['\nnothing stands in the way\n'] : ['\n', ...lines]),
  ].join('');
}
