/** Owns one attempt of the load generator: connect, ask, read who answered, close with RST so that ports never run out. */
import { connect } from 'node:net';

/** How an attempt ended: answered by someone, or the system's word for why not. */
export type Answer =
  { readonly name: string } | { readonly code: string } | { readonly code: 'ETIMEDOUT' | 'ECONNRESET' };

/** Whom to ask, and for how long to wait. */
export interface AttemptTarget {
  /** An IP address: names would be resolved on every attempt. */
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
}

/** Name in a complete answer: the first line of its body; undefined while the answer is not complete. */
function nameIn(text: string): string | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text)?.[1] ?? 0);
  const body = text.slice(end + 4);
  return body.length < length ? undefined : (body.split('\n', 1)[0] ?? '');
}

/** Makes one attempt; `done` is called exactly once. Callbacks, because 10,000 attempts a second are the point. */
export function attempt(target: AttemptTarget, done: (answer: Answer) => void): void {
  const { host, port, timeoutMs } = target;
  const socket = connect({ host, port, noDelay: true });
  let text = '';
  let open = true;
  const finish = (answer: Answer): void => {
    if (!open) return;
    open = false;
    clearTimeout(timer);
    // A socket that still connects would wait for the handshake before it sends RST, for two minutes where nobody answers.
    if (socket.connecting) socket.destroy();
    else socket.resetAndDestroy();
    done(answer);
  };
  const timer = setTimeout(finish, timeoutMs, { code: 'ETIMEDOUT' });
  socket.setEncoding('latin1');
  socket.on('error', (error: NodeJS.ErrnoException) => {
    finish({ code: error.code ?? '' });
  });
  socket.on('close', () => {
    finish({ code: 'ECONNRESET' }); // closed without an answer
  });
  socket.on('data', (chunk: string) => {
    text += chunk;
    const name = nameIn(text);
    if (name !== undefined) finish({ name });
  });
  socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`); // goes out with the handshake's end
}
