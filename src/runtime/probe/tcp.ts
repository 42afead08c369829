/**
 * Owns the tcp probe: a connection, and what is said over it. The kernel accepts in place of a program that hangs, so a connection alone
 * is no answer. With `send` or `expect` bytes are; without, our side is ended at once, and it is one that the program ends it too or says
 * something, or at least has taken it (or others) from the queue of its listener.
 */
import type { Address } from '../../model/address.ts';
import type { Probe } from '../../model/template.ts';
import { quoteValue } from '../../model/text.ts';
import type { AcceptQueues } from './accept-queues.ts';
import { type ProbeAnswer, unwell } from './answer.ts';
import { type Bounds, converse } from './conversation.ts';

/** How much of an answer is looked at. */
const MAX_BYTES = 64 * 1024;

type TcpProbe = Extract<Probe, { readonly kind: 'tcp' }>;

/** True for one without words: a listener that takes its connections is all that it asks for. */
export const isMute = ({ send, expect }: TcpProbe): boolean => send === undefined && expect === undefined;

const WELL: ProbeAnswer = { well: true };

/** Bytes of text in UTF-8, one a character: as they are heard. */
const bytesOf = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

async function askWords({ send, expect }: TcpProbe, address: Address, bounds: Bounds): Promise<ProbeAnswer> {
  const wanted = expect === undefined ? undefined : bytesOf(expect);
  let heard = '';
  const said = (): string => quoteValue(Buffer.from(heard, 'latin1').toString('utf8'));
  return await converse(
    {
      say: send,
      heard: (text) => {
        heard += text;
        if (wanted === undefined || heard.includes(wanted)) return WELL;
        return heard.length > MAX_BYTES
          ? unwell(`no ${quoteValue(expect ?? '')} in ${MAX_BYTES} bytes`)
          : undefined;
      },
      ended: (errno) => unwell(errno ?? (heard === '' ? 'closed without an answer' : `answered ${said()}`)),
      late: () => (heard === '' ? '' : ` but ${said()}`),
    },
    address,
    bounds,
  );
}

async function askTaken(queues: AcceptQueues, address: Address, bounds: Bounds): Promise<ProbeAnswer> {
  let isUp = false;
  return await converse(
    {
      silent: (answer) => {
        isUp = true;
        return queues.watch(address, () => answer(WELL));
      },
      heard: () => WELL,
      ended: () => WELL,
      late: () => (isUp ? ': connections wait to be taken by its program' : ''),
    },
    address,
    bounds,
  );
}

/** Asks once. */
export async function probeTcp(
  asked: TcpProbe,
  address: Address,
  bounds: Bounds & { readonly queues: AcceptQueues },
): Promise<ProbeAnswer> {
  return isMute(asked)
    ? await askTaken(bounds.queues, address, bounds)
    : await askWords(asked, address, bounds);
}
