/** Owns the one error of the set-up: what is wrong, what to do, and the exit code (those of src/errors.ts). */

/** A failure that a person can act on. */
export class SetupFailure extends Error {
  /**
   * @param {number} exitCode 69 unavailable, 78 this machine is not fit, 1 a check failed
   * @param {string} what one line
   * @param {{ why?: string, fix?: string }} [facts] why it went wrong; what to do about it
   */
  constructor(exitCode, what, facts = {}) {
    super(what);
    this.exitCode = exitCode;
    this.why = facts.why;
    this.fix = facts.fix;
  }
}

/**
 * One progress line on stderr.
 * @param {string} line what is being done
 */
export function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

/**
 * A failure in the three lines of every Sluice error.
 * @param {SetupFailure} failure what to show
 * @returns {string}
 */
export function describeFailure({ message, why, fix }) {
  return [`error: ${message}`, why && `  why: ${why}`, fix && `  fix: ${fix}`].filter(Boolean).join('\n');
}
