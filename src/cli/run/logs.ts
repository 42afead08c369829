/** Owns the body of `logs`. */
import { once } from 'node:events';
import { type ResultCode, SluiceError } from '../../errors.ts';
import { parseReference, type Reference } from '../../model/reference.ts';
import { quoteValue } from '../../model/text.ts';
import { describe } from '../../ops/describe.ts';
import { outputFolder, readOutput } from '../../runtime/logs/read-outside.ts';
import type { LogsOptions } from '../commands/logs.ts';
import { DEFAULT_STATE_DIR } from '../options.ts';
import { readDeps, type Session } from '../session.ts';

function instanceOf(word: string): Reference & { kind: 'instance' } {
  const reference = parseReference(word);
  if (reference.kind === 'instance') return reference;
  throw new SluiceError('usage', `${word} is not an instance`, {
    why: 'logs are of one instance',
    fix: `sluice list instances ${reference.kind === 'service' ? `${reference.service} ` : ''}-o name shows them`,
  });
}

function tailOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^(0|[1-9][0-9]{0,8})$/.test(text)) return Number(text);
  throw new SluiceError('usage', `--tail: ${quoteValue(text)} is not a number of lines`, {
    why: 'it takes a whole number',
    fix: 'write for example --tail 20',
  });
}

/** The folder of the instance's output here. @throws SluiceError `permission` */
function folderOf(stateDir: string, id: string): string | undefined {
  try {
    return outputFolder(stateDir, id);
  } catch (error) {
    throw new SluiceError('permission', `the output of ${id} cannot be read`, {
      why: error instanceof Error ? error.message : String(error),
      fix: 'run it as root: only root reads the state of the agent',
      cause: error,
    });
  }
}

/** Why there is nothing here: what the store says of the instance. */
async function notHere(
  session: Session,
  reference: Reference & { kind: 'instance' },
  stateDir: string,
): Promise<SluiceError> {
  const { description } = await describe(await readDeps(session), reference, { signal: session.signal });
  const { node, origin } = description.kind === 'instance' ? description.instance : {};
  const what = `there is no output of ${reference.service}/${reference.id} on this machine`;
  const details = { service: reference.service, instance: reference.id, node: node ?? null, stateDir };
  if (origin !== 'managed') {
    const why = 'its service lists it: sluice did not start it';
    return new SluiceError('not-found', what, { why, fix: 'look where it was started', details });
  }
  return new SluiceError('not-found', what, {
    why:
      node === undefined
        ? 'its node is not known'
        : `it is node/${node}'s, or has not been started there yet`,
    fix: `on ${node ?? 'its node'}: sluice logs ${reference.service}/${reference.id}`,
    details,
  });
}

/** Shows the output of an instance on this machine. */
export async function logsBody(session: Session, word: string, options: LogsOptions): Promise<ResultCode> {
  const reference = instanceOf(word);
  const tail = tailOf(options.tail);
  const stateDir = options.stateDir ?? DEFAULT_STATE_DIR;
  const folder = folderOf(stateDir, reference.id);
  if (folder === undefined) throw await notHere(session, reference, stateDir);
  const { stream = 'both', follow = false } = options;
  const { clock, io } = session.deps;
  for await (const chunk of readOutput(folder, { stream, tail, follow, signal: session.signal }, clock)) {
    if (!io.stdout.write(chunk)) await once(io.stdout, 'drain', { signal: session.signal });
  }
  return 'ok';
}
