/**
 * Owns answering neighbours by ARP and ND for addresses of entries, through a program of our own that runs as long as there is one. It lives
 * and dies with the agent on purpose: neighbour entries of type proxy in the kernel would go on answering for a node whose agent is dead,
 * beside the node that took over, and they answer questions only after a random delay (measured 270 to 810 ms). Must not know who is to answer.
 */
import type { Clock } from '../host/clock.ts';
import type { OpenPipe, Pipe } from '../host/pipe.ts';
import type { AnswerMode } from '../rules/announcement.ts';
import { ANSWERING_PROGRAM } from './answering-program.ts';
import { checkedIp } from './entry-routes.ts';

/** What is done with an address: answer for it, or only listen who else does. */
export type Listening = AnswerMode | 'watch';

/** Where and how to answer. */
export interface Answer {
  /** Name of the link whose neighbours are answered. */
  readonly link: string;
  readonly mode: Listening;
}

/** Whether the program can do its work. */
export type AnsweringState =
  { readonly kind: 'starting' | 'ready' } | { readonly kind: 'down'; readonly why: string };

/** Answers neighbours. */
export interface Answering {
  /** Does this for exactly these addresses from now on. */
  readonly set: (answers: ReadonlyMap<string, Answer>) => void;
  /** Tells all neighbours that the address is here (gratuitous ARP, unsolicited advertisement). */
  readonly announce: (ip: string) => void;
  /** Asks all neighbours whether another machine has the address, without saying that we have it. */
  readonly probe: (ip: string) => void;
  /** Starts the program if it does not run. */
  readonly state: () => AnsweringState;
  /** Answers for nothing any more. */
  readonly close: () => void;
}

/** What answering needs, and whom it tells. Handlers must not throw. */
export interface AnsweringOptions {
  readonly openPipe: OpenPipe;
  readonly clock: Clock;
  /** Another machine answers for an address of ours, or announces it. */
  readonly onHeard: (ip: string, mac: string) => void;
  /** `state()` has changed. */
  readonly onState: () => void;
}

const RETRY_FIRST_MS = 200;
const RETRY_LAST_MS = 30_000;
/** Link names the kernel can have, without what would be read as more than one word. */
const LINK = /^[^\s/]{1,15}$/;

class AnsweringProgram implements Answering {
  readonly #options: AnsweringOptions;
  readonly #closing = new AbortController();
  #wanted: ReadonlyMap<string, Answer> = new Map();
  #pipe: Pipe | undefined;
  #state: AnsweringState = { kind: 'starting' };
  #lastLine = 'perl is not installed (package perl-base)';
  #retryMs = RETRY_FIRST_MS;

  constructor(options: AnsweringOptions) {
    this.#options = options;
  }

  state(): AnsweringState {
    this.#start();
    return this.#state;
  }

  set(answers: ReadonlyMap<string, Answer>): void {
    const before = this.#wanted;
    this.#wanted = new Map([...answers].filter(([, { link }]) => LINK.test(link)));
    for (const ip of before.keys()) if (!this.#wanted.has(ip)) this.#tell(`mode - ${checkedIp(ip)} off`);
    for (const [ip, answer] of this.#wanted) {
      const known = before.get(ip);
      if (known?.link !== answer.link || known.mode !== answer.mode) this.#tellMode(ip, answer);
    }
    if (this.#wanted.size > 0) this.#start();
  }

  announce(ip: string): void {
    this.#tell(`announce ${checkedIp(ip)}`);
  }

  probe(ip: string): void {
    this.#tell(`probe ${checkedIp(ip)}`);
  }

  close(): void {
    this.#closing.abort();
    this.#pipe?.kill();
  }

  #tell(line: string): void {
    if (this.#state.kind === 'ready') this.#pipe?.write(`${line}\n`);
  }

  #tellMode(ip: string, { link, mode }: Answer): void {
    this.#tell(`mode ${link} ${checkedIp(ip)} ${mode}`);
  }

  #start(): void {
    if (this.#pipe !== undefined || this.#closing.signal.aborted) return;
    const pipe = this.#options.openPipe('perl', ['-e', ANSWERING_PROGRAM]);
    this.#pipe = pipe;
    let said = '';
    pipe.onStderr((text) => {
      const lines = (said + text).split('\n');
      said = (lines.pop() ?? '').slice(-500);
      for (const line of lines) this.#onLine(line);
    });
    pipe.onEnd(() => void this.#onEnd());
  }

  #onLine(line: string): void {
    const [what, ip = '', mac = ''] = line.split(' ');
    if (what === 'heard') return this.#options.onHeard(ip, mac);
    this.#lastLine = what === 'ready' ? 'perl ended' : `perl: ${line}`;
    if (what !== 'ready') return;
    this.#state = { kind: 'ready' };
    this.#retryMs = RETRY_FIRST_MS;
    for (const [address, answer] of this.#wanted) this.#tellMode(address, answer);
    this.#options.onState();
  }

  async #onEnd(): Promise<void> {
    this.#state = { kind: 'down', why: `neighbours cannot be answered for entries: ${this.#lastLine}` };
    if (this.#closing.signal.aborted) return;
    this.#options.onState();
    await this.#options.clock.sleep(this.#retryMs, this.#closing.signal);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_LAST_MS);
    this.#pipe = undefined;
    this.#start();
  }
}

/** Makes ready to answer; nothing runs before the first address. */
export function openAnswering(options: AnsweringOptions): Answering {
  return new AnsweringProgram(options);
}
