/**
 * Owns questions to a person: the one place of inquirer. Asks only if stdin and stderr are terminals and --no-input is not given; the
 * default is No. Must not decide what needs consent (consent.ts does).
 */
import { SluiceError } from '../errors.ts';
import { isTerminal } from './io.ts';
import type { Session } from './session.ts';

/** True if a person can be asked. */
export function canAsk(session: Session): boolean {
  const { io } = session.deps;
  return session.settings.input && isTerminal(io.stdin) && isTerminal(io.stderr);
}

/** Asks one question on stderr. @throws SluiceError `interrupted` on Ctrl-C */
async function ask(session: Session, message: string): Promise<string> {
  const { default: inquirer } = await import('inquirer');
  const { stdin, stderr } = session.deps.io;
  const prompt = inquirer.createPromptModule({ input: stdin, output: stderr, signal: session.signal });
  try {
    const answers = await prompt([{ message, name: 'answer', type: 'input' }]);
    return answers.answer;
  } catch (error) {
    const closed = error instanceof Error && ['ExitPromptError', 'AbortPromptError'].includes(error.name);
    if (!closed) throw error;
    if (session.signal.reason instanceof SluiceError) throw session.signal.reason;
    throw new SluiceError('interrupted', 'stopped at the question', {
      why: 'the question was not answered',
      fix: 'nothing was changed; --yes consents without being asked',
    });
  }
}

/** Asks for yes or no; anything but yes is no. */
export async function askYesNo(session: Session, message: string): Promise<boolean> {
  const answer = await ask(session, `${message} (y/N)`);
  return /^\s*y(es)?\s*$/i.test(answer);
}

/** Asks to type a word, for severe acts; true if exactly that was typed. */
export async function askTyped(session: Session, message: string, word: string): Promise<boolean> {
  const answer = await ask(session, `${message} Type ${word} to go on:`);
  return answer.trim() === word;
}
