/** Owns asking the node's policy about orders and commands as they are on the node right now: links followed, users looked up, files hashed. */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { errnoOf } from '../../host/error-code.ts';
import {
  checkPolicy,
  checkProgram,
  executedPath,
  type Policy,
  type ProgramFacts,
  type Refusal,
  wantsHash,
} from '../../model/policy.ts';
import type { DriverName } from '../../model/template.ts';
import { quoteValue } from '../../model/text.ts';
import { SluiceError } from '../../errors.ts';
import type { Admission, Admit } from '../admission.ts';
import type { StartOrder } from '../driver.ts';
import { checkFormat, findProgram } from '../launch/program.ts';
import { findUser } from '../launch/user.ts';

/** Questions to the policy of this node. Every one is answered from the file as it is then. */
export interface NodePolicy {
  readonly load: () => Promise<Policy>;
  readonly admit: Admit;
  /**
   * The same for a command that is not a start: a probe, a hook.
   * @returns the command with its program as it is to be executed
   */
  readonly admitCommand: (command: readonly string[], env: StartOrder['env']) => Promise<readonly string[]>;
}

/** What it needs. */
export interface NodePolicyOptions {
  readonly load: () => Promise<Policy>;
  /** Instances on the node besides that one. */
  readonly countOthers: (id: string) => number;
}

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) if (Buffer.isBuffer(chunk)) hash.update(chunk);
  return hash.digest('hex');
}

function refused(refusal: Refusal, subject: string): SluiceError {
  return new SluiceError('permission', `the node's policy refuses ${subject}: ${refusal.what}`, {
    why: `rule ${refusal.rule} allows ${refusal.allowed}`,
    fix: "change the template, or the node's policy file",
    details: { rule: refusal.rule, allowed: refusal.allowed },
  });
}

async function programOf(policy: Policy, command: readonly string[], path?: string): Promise<ProgramFacts> {
  const program = await findProgram(command[0] ?? '', path);
  return wantsHash(policy, program) ? { ...program, sha256: await hashOf(program.real) } : program;
}

/** The real path of a folder that is there. @throws SluiceError `failed` */
async function folderOf(folder: string): Promise<string> {
  const fail = (why: string): SluiceError =>
    new SluiceError('failed', `cannot work in ${quoteValue(folder)}`, {
      why,
      fix: 'make the folder on this node, or correct the template',
      details: { workingDirectory: folder },
    });
  if (!folder.startsWith('/')) throw fail('it is no absolute path');
  try {
    const real = await realpath(folder);
    if (!(await stat(real)).isDirectory()) throw fail('it is no folder');
    // A shell cuts line breaks off the end of what it is told; nobody names folders so.
    if (/\p{Cc}/u.test(real)) throw fail('its name holds control characters');
    return real;
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw fail(errnoOf(error) === 'ENOENT' ? 'there is no such folder' : (errnoOf(error) ?? String(error)));
  }
}

/** Commands of an order with what their programs are; none for containers, whose programs are the image's. */
async function programsOf(
  policy: Policy,
  driver: DriverName,
  order: StartOrder,
): Promise<readonly { readonly words: readonly string[]; readonly program: ProgramFacts }[]> {
  if (driver === 'podman') return [];
  const { command, hooks, env } = order;
  const all = [command, ...(hooks === undefined ? [] : [hooks.stop, hooks.status])];
  return await Promise.all(
    all.map(async (words) => ({ words, program: await programOf(policy, words, env['PATH']) })),
  );
}

/** Opens the questions. */
export function openNodePolicy({ load, countOthers }: NodePolicyOptions): NodePolicy {
  const admit = async (driver: DriverName, order: StartOrder): Promise<Admission> => {
    const policy = await load();
    const programs = await programsOf(policy, driver, order);
    // A container's folder is one of its image.
    const isContainer = driver === 'podman';
    const workingDirectory = isContainer ? '/' : await folderOf(order.workingDirectory);
    const { uid } = await findUser(order.user);
    const refusal = checkPolicy(policy, order, {
      driver,
      programs: programs.map(({ program }) => program),
      workingDirectory,
      uid,
      instances: countOthers(order.id),
    });
    if (refusal !== undefined) throw refused(refusal, `instance ${order.id}`);
    for (const { program } of programs) checkFormat(program);
    const [command = order.command, stop, status] = programs.map(({ words, program }) => [
      executedPath(policy, program),
      ...words.slice(1),
    ]);
    const hooks = stop === undefined || status === undefined ? undefined : { stop, status };
    return { command, hooks, workingDirectory: isContainer ? order.workingDirectory : workingDirectory };
  };
  return {
    load,
    admit,
    admitCommand: async (command, env) => {
      const policy = await load();
      const program = await programOf(policy, command, env['PATH']);
      const refusal = checkProgram(policy, program);
      if (refusal !== undefined) throw refused(refusal, 'a command');
      checkFormat(program);
      return [executedPath(policy, program), ...command.slice(1)];
    },
  };
}
