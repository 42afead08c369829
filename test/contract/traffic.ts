/** Owns traffic through rules in one namespace: instances on addresses of the loopback, and connections to an entry whose answers are counted. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Netns } from '../harness/netns.ts';

/** Listens on every ADDRESS of argv, port 8080, and answers with the address that was reached and the client's, then closes. */
const SERVER = `let left = process.argv.length - 1;
  for (const ip of process.argv.slice(1)) require('node:net')
    .createServer((s) => { s.on('error', () => {}); s.end(ip + ' ' + s.remoteAddress); })
    .listen({ port: 8080, host: ip, backlog: 4096 }, () => --left || console.log('ready'));`;

/** Makes COUNT connections from SOURCE ('' for any) to IP PORT, LANES at a time, or, if COUNT is 0, until stdin ends; prints what came as JSON. */
const CLIENT = `const net = require('node:net'); const [ip, port, count, lanes, source, rate] = process.argv.slice(1);
  const seen = {}; let begun = 0, open = false, left = Number(lanes);
  if (count === '0') { open = true; process.stdin.on('end', () => { open = false; }).resume(); }
  const started = Date.now();
  const next = () => {
    if (count === '0' ? !open : begun >= Number(count)) { if (--left === 0) console.log(JSON.stringify(seen)); return; }
    begun += 1; let text = '';
    const s = net.connect({ port: Number(port), host: ip, ...(source ? { localAddress: source } : {}) });
    s.setTimeout(5000, () => s.destroy(new Error('timeout')));
    s.on('data', (d) => { text += d; });
    s.on('error', (e) => { text = 'failed ' + (e.code ?? e.message); });
    s.on('close', () => {
      const key = text || 'failed empty'; seen[key] = (seen[key] ?? 0) + 1;
      const ahead = rate ? (begun / Number(rate)) * 1000 - (Date.now() - started) : 0;
      if (ahead > 1) setTimeout(next, ahead); else next();
    });
  };
  for (let i = 0; i < Number(lanes); i += 1) next();`;

/** Instances that listen. */
export interface Instances {
  readonly close: () => void;
}

/** Starts instances inside on these addresses, port 8080; they must be addresses of the namespace. */
export async function startInstances(netns: Netns, ips: readonly string[]): Promise<Instances> {
  const server = spawn(...netns.argv(process.execPath, ['-e', SERVER, ...ips]), {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(server.stdout, 'data');
  return { close: () => void server.kill('SIGKILL') };
}

/** What answered, how often: `10.200.0.1` or `failed CODE`. */
export type Answers = ReadonlyMap<string, number>;

function answersOf(text: string, word: number): Answers {
  const seen: unknown = JSON.parse(text);
  const answers = new Map<string, number>();
  for (const [key, count] of Object.entries(seen ?? {})) {
    const name = key.startsWith('failed') ? key : (key.split(' ')[word] ?? key);
    answers.set(name, (answers.get(name) ?? 0) + Number(count));
  }
  return answers;
}

/** How to connect. */
export interface ClientOptions {
  readonly entry: readonly [string, number];
  readonly count: number;
  readonly lanes?: number;
  readonly source?: string;
  /** Counts by the client's address as the instance saw it. */
  readonly bySource?: boolean;
}

/** Makes connections and counts which instance answered. */
export async function connect(netns: Netns, options: ClientOptions): Promise<Answers> {
  const { entry, count, lanes = 8, source = '', bySource = false } = options;
  const args = ['-e', CLIENT, entry[0], String(entry[1]), String(count), String(lanes), source];
  const { stdout } = await netns.exec(process.execPath, args, { timeoutMs: 120_000 });
  return answersOf(stdout, bySource ? 1 : 0);
}

/** Connections that go on until stopped. */
export interface Stream {
  readonly stop: () => Promise<Answers>;
}

/** Keeps connecting to an entry, several at a time, at most `perSecond`. */
export function startStream(
  netns: Netns,
  entry: readonly [string, number],
  { lanes = 16, perSecond = 0 } = {},
): Stream {
  const rate = perSecond === 0 ? '' : String(perSecond);
  const args = ['-e', CLIENT, entry[0], String(entry[1]), '0', String(lanes), '', rate];
  const child = spawn(...netns.argv(process.execPath, args), { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const closed = once(child, 'close');
  return {
    stop: async () => {
      child.stdin.end();
      await closed;
      return answersOf(text, 0);
    },
  };
}

/** Total of all answers, and of the failed ones. */
export function totals(answers: Answers): { readonly all: number; readonly failed: number } {
  const sum = (pick: (name: string) => boolean): number =>
    [...answers].reduce((total, [name, count]) => total + (pick(name) ? count : 0), 0);
  return { all: sum(() => true), failed: sum((name) => name.startsWith('failed')) };
}
