/** Owns running other programs for the set-up: with captured output, or in the foreground as long as they live. */
import { spawn } from 'node:child_process';

/**
 * @typedef {object} Finished
 * @property {number} exitCode 127 if the program is not there, 128 + n if ended by a signal
 * @property {string} stdout
 * @property {string} stderr
 */

/**
 * Runs a program to its end with captured output.
 * @param {readonly string[]} argv program and arguments
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv }} [options] env replaces the environment
 * @returns {Promise<Finished>}
 */
export async function run([file = '', ...args], options = {}) {
  const child = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (/** @type {string} */ chunk) => (stderr += chunk));
  return await new Promise((resolve) => {
    child.once('error', (error) => {
      resolve({ exitCode: 127, stdout, stderr: error.message });
    });
    child.once('close', (code, signal) => {
      resolve({ exitCode: exitCodeOf(code, signal), stdout, stderr });
    });
  });
}

/**
 * Runs a program in the foreground, on this terminal. An interrupt from the keyboard reaches it by itself; SIGTERM and
 * SIGHUP are passed on, as SIGKILL to a sandbox, whose outermost process takes no other while it waits.
 * @param {readonly string[]} argv program and arguments
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, stdout?: 'inherit' | 'stderr', isSandbox?: boolean }} [options] stdout `stderr`: all that it prints goes to stderr
 * @returns {Promise<number>} its exit code; 127 if it is not there
 */
export async function runInForeground([file = '', ...args], options = {}) {
  const { stdout, isSandbox = false, ...rest } = options;
  const child = spawn(file, args, {
    ...rest,
    stdio: ['inherit', stdout === 'stderr' ? 2 : 'inherit', 'inherit'],
  });
  const pass = (/** @type {NodeJS.Signals} */ signal) => void child.kill(isSandbox ? 'SIGKILL' : signal);
  process.on('SIGINT', ignore);
  process.on('SIGTERM', pass);
  process.on('SIGHUP', pass);
  try {
    return await new Promise((resolve) => {
      child.once('error', () => {
        resolve(127);
      });
      child.once('close', (code, signal) => {
        resolve(exitCodeOf(code, signal));
      });
    });
  } finally {
    process.off('SIGINT', ignore);
    process.off('SIGTERM', pass);
    process.off('SIGHUP', pass);
  }
}

/** An interrupt is for the program in the foreground. */
function ignore() {
  return undefined;
}

/**
 * @param {number | null} code as Node gives it
 * @param {NodeJS.Signals | null} signal as Node gives it
 * @returns {number}
 */
function exitCodeOf(code, signal) {
  if (signal === 'SIGINT') return 130;
  if (signal === 'SIGTERM') return 143;
  return code ?? 137;
}
