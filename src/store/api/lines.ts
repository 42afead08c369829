/** Owns cutting an answer into lines. Not by node:readline, which also cuts at U+2028, a plain character of JSON. */
import type { IncomingMessage } from 'node:http';
import { StringDecoder } from 'node:string_decoder';

/** Whom to tell. Handlers must not throw. */
export interface LineHandlers {
  readonly onLine: (line: string) => void;
  /** Called once, last; `why` undefined: the answer was whole. */
  readonly onEnd: (why: string | undefined) => void;
}

/** Reads an answer line by line; what follows the last newline is no line. */
export function readLines(response: IncomingMessage, { onLine, onEnd }: LineHandlers): void {
  const decoder = new StringDecoder('utf8');
  let rest: string[] = [];
  let ended = false;
  const end = (why: string | undefined): void => {
    if (ended) return;
    ended = true;
    onEnd(why);
  };
  response.on('data', (chunk: Buffer) => {
    const [first = '', ...lines] = decoder.write(chunk).split('\n');
    rest.push(first);
    if (lines.length === 0) return;
    const last = lines.pop() ?? '';
    for (const line of [rest.join(''), ...lines]) if (!ended) onLine(line);
    rest = [last];
  });
  response.once('end', () => end(undefined));
  response.once('error', (error) => end(error.message));
  response.once('close', () => end('the connection ended'));
}

/** The whole body, at most `maxLength` characters; undefined if it ended early or is longer. */
export function readText(response: IncomingMessage, maxLength: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    let text = '';
    response.setEncoding('utf8');
    response.on('data', (chunk: string) => {
      text += chunk;
      if (text.length <= maxLength) return;
      resolve(undefined);
      response.destroy();
    });
    response.once('end', () => resolve(text));
    response.once('error', () => resolve(undefined));
    response.once('close', () => resolve(undefined));
  });
}
