/** Owns answering a list of any length: the bytes of its envelope, written and sent in pieces, so that nobody else waits for it. */
import type { Pace } from '../../model/pace.ts';
import { envelope } from '../../ops/envelope.ts';
import type { LineStream } from '../http/line-stream.ts';
import type { Answer, Exchange } from '../http/route.ts';
import type { AnswerName } from './answers.ts';

/** What is sent at once. */
const PIECE_CHARACTERS = 64 * 1024;

/** Sends text in pieces as it is made. @param texts made one by one, at the pace */
export async function sendPaced(
  lines: LineStream,
  texts: Iterable<string>,
  pace: Pace | undefined,
): Promise<void> {
  let piece = '';
  const send = async (): Promise<void> => {
    if (piece === '') return;
    lines.send(piece);
    piece = '';
    await lines.drained();
  };
  for (const text of texts) {
    if (lines.gone.aborted) return;
    piece += text;
    if (piece.length >= PIECE_CHARACTERS) await send();
    const turn = pace?.();
    if (turn !== undefined) await turn;
  }
  await send();
}

/** The envelope of a list as text, item by item. */
function* textsOf(kind: string, revision: number, items: readonly object[]): Generator<string, undefined> {
  const [head = '', tail = ''] = JSON.stringify(envelope(kind, revision, [])).split('[]');
  yield `${head}[`;
  for (const [index, item] of items.entries()) yield `${index === 0 ? '' : ','}${JSON.stringify(item)}`;
  yield `]${tail}\n`;
  return undefined;
}

/** A list that is answered. */
export interface ListAnswer {
  readonly kind: AnswerName;
  readonly revision: number;
  readonly items: readonly object[];
}

/** Answers a list. */
export async function answerList(
  exchange: Exchange,
  pace: Pace | undefined,
  { kind, revision, items }: ListAnswer,
): Promise<Answer> {
  const lines = exchange.lines('application/json');
  await sendPaced(lines, textsOf(kind, revision, items), pace);
  lines.end();
  return { kind: 'lines' };
}
