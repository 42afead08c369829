/** Owns the tcp probe: a connection, and what is said over it. A stopped program still accepts, so `send` and `expect` want an answer. */
import { connect } from 'node:net';
import type { Address } from '../../model/address.ts';
import type { Probe } from '../../model/template.ts';
import { quoteValue } from '../../model/text.ts';
import { type ProbeAnswer, unwell } from './answer.ts';
import { bound } from './bounded.ts';

/** How much of an answer is looked at. */
const MAX_BYTES = 64 * 1024;

type TcpProbe = Extract<Probe, { readonly kind: 'tcp' }>;

/** Asks once. */
export function probeTcp(
  { send, expect }: TcpProbe,
  { ip, port }: Address,
  bounds: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<ProbeAnswer> {
  return new Promise((resolve) => {
    const time = bound(bounds);
    const socket = connect({ host: ip, port });
    let heard = '';
    const answer = (result: ProbeAnswer): void => {
      time.close();
      // A reset leaves no TIME_WAIT on either side.
      socket.resetAndDestroy();
      resolve(result);
    };
    time.onEnd((why) => answer(unwell(heard === '' ? why : `${why} but ${quoteValue(heard)}`)));
    socket.once('error', (error) => answer(unwell(error.message)));
    socket.once('connect', () => {
      if (send === undefined && expect === undefined) answer({ well: true });
      else if (send !== undefined) socket.write(send);
    });
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      heard += chunk;
      if (expect === undefined || heard.includes(expect)) answer({ well: true });
      else if (heard.length > MAX_BYTES) answer(unwell(`no ${quoteValue(expect)} in ${MAX_BYTES} bytes`));
    });
    socket.once('end', () =>
      answer(unwell(heard === '' ? 'closed without an answer' : `answered ${quoteValue(heard)}`)),
    );
  });
}
