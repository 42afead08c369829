/**
 * Owns the client of healing tests, run as a process: holds connections that ask again and again, and opens new ones all the time.
 * Arguments: HOST PORT COUNT PERIOD_MS. Prints `holding`, then at every SIGUSR2 a line `report N JSON` about the time since the last.
 */
import { connect, type Socket } from 'node:net';

/** What became of the connections since the last report. */
export interface HoldReport {
  /** Held connections that ended. */
  readonly lost: number;
  readonly held: number;
  /** Longest wait of a held connection for an answer. */
  readonly slowestMs: number;
  /** Longest time in which no new connection succeeded, counted between the starts of two that did. */
  readonly outageMs: number;
  readonly failed: number;
}

const PROBE_EVERY_MS = 5;
const PROBE_TIMEOUT_MS = 500;

const [host = '', port = '0', count = '0', period = '100'] = process.argv.slice(2);
const now = (): number => performance.now();
const state = { lost: 0, held: 0, slowestMs: 0, outageMs: 0, failed: 0, lastOk: now(), reports: 0 };

function hold(onReady: () => void): void {
  const socket = connect({ host, port: Number(port), noDelay: true });
  let asked = now();
  let waiting = true;
  const ask = (): void => {
    if (waiting) return;
    asked = now();
    waiting = true;
    socket.write('x');
  };
  socket.once('connect', () => {
    state.held += 1;
    socket.write('x');
    setInterval(ask, Number(period));
  });
  socket.once('data', onReady);
  socket.on('data', () => {
    state.slowestMs = Math.max(state.slowestMs, now() - asked);
    waiting = false;
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    state.lost += 1;
  });
}

function probe(): void {
  const begun = now();
  const socket: Socket = connect(Number(port), host);
  const timer = setTimeout(() => socket.destroy(new Error('timeout')), PROBE_TIMEOUT_MS);
  socket.once('connect', () => {
    state.outageMs = Math.max(state.outageMs, begun - state.lastOk);
    state.lastOk = Math.max(state.lastOk, begun);
    socket.resetAndDestroy();
  });
  socket.on('error', () => {
    state.failed += 1;
  });
  socket.on('close', () => clearTimeout(timer));
}

process.on('SIGUSR2', () => {
  const { lost, held, slowestMs, outageMs, failed } = state;
  state.reports += 1;
  process.stdout.write(
    `report ${state.reports} ${JSON.stringify({ lost, held, slowestMs, outageMs, failed })}\n`,
  );
  Object.assign(state, { lost: 0, slowestMs: 0, outageMs: 0, failed: 0, lastOk: now() });
});

let ready = 0;
for (let i = 0; i < Number(count); i += 1) {
  hold(() => {
    ready += 1;
    if (ready === Number(count)) process.stdout.write('holding\n');
  });
}
setInterval(probe, PROBE_EVERY_MS);
