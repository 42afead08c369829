/** Owns what `completion` prints: the script of a shell, generated from the program. */
import type { ResultCode } from '../../errors.ts';
import type { Shell } from '../commands/completion.ts';
import { completionScript } from '../completion/script.ts';
import type { Session } from '../session.ts';
import type { Command } from 'commander';

/** Prints the completion script of a shell. */
export async function completionBody(session: Session, program: Command, shell: Shell): Promise<ResultCode> {
  session.deps.io.stdout.write(completionScript(program, shell));
  return 'ok';
}
