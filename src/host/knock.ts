/**
 * Owns asking a machine whether it is there, without a program of ours on it: a TCP connection that is begun. Whatever its kernel answers,
 * also that nothing listens, is a sign of life; nothing is said over it.
 */
import { connect } from 'node:net';
import { errnoOf } from './error-code.ts';

/** `answered`: the machine, or something that speaks for it; `silent`: nothing came; `unsent`: the question did not leave this machine. */
export type Knocked = 'answered' | 'silent' | 'unsent';

/** Answers of a kernel that is there. */
const ANSWERS = new Set(['ECONNREFUSED', 'ECONNRESET']);
/**
 * Nobody answered: neither the machine nor, on its network, its neighbour discovery. Also what routers and firewalls say in its place.
 */
const SILENCE = new Set(['EHOSTUNREACH', 'EHOSTDOWN', 'ETIMEDOUT']);

/** Asks once; never rejects. @param timeoutMs after which it is silent */
export function knock(
  { ip, port }: { readonly ip: string; readonly port: number },
  timeoutMs: number,
): Promise<Knocked> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port });
    const end = (knocked: Knocked): void => {
      clearTimeout(timer);
      // Never a reset: a program that has accepted late and writes to a connection that was reset may die of it.
      socket.destroy();
      resolve(knocked);
    };
    // What came while this process was late is read before the time counts as over.
    const timer = setTimeout(() => setImmediate(() => end('silent')), timeoutMs);
    socket.once('connect', () => end('answered'));
    socket.once('error', (error) => {
      const errno = errnoOf(error) ?? '';
      end(ANSWERS.has(errno) ? 'answered' : SILENCE.has(errno) ? 'silent' : 'unsent');
    });
  });
}
