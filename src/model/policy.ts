/**
 * Owns what a node allows to be run on it, and the judgement of an order under it. Whoever can write to the store decides what should run; the
 * node's own administrator decides what may. Pure: paths come with their symbolic links followed, files with their hash.
 */
import { formatEntry, type Entry } from './entry.ts';
import { type EntryRule, fitsEntryRule } from './entry-rule.ts';
import { matchesEnvName, matchesImage, matchesPath } from './policy-match.ts';
import type { DriverName, Limits, PortRange } from './template.ts';
import { quoteValue } from './text.ts';

/** An allowed program. */
export interface CommandRule {
  /** Absolute path; `*` stands for any text within one part of it. */
  readonly path: string;
  /** Hash that the file must have, in hex. */
  readonly sha256?: string | undefined;
}

/** What a node allows. What is not named is not allowed. */
export interface Policy {
  readonly drivers: readonly DriverName[];
  readonly commands: readonly CommandRule[];
  /** References; `*` stands for any text within one part. */
  readonly images: readonly string[];
  /** Names. Root is never among them unless `allowRoot`. */
  readonly users: readonly string[];
  readonly allowRoot: boolean;
  /** Of orders that name none. */
  readonly defaultUser?: string | undefined;
  /** Working directories, with what is below them. `/` is always allowed. */
  readonly directories: readonly string[];
  /** Names of variables; `*` at the end stands for any text. */
  readonly env: readonly string[];
  /** Most of one instance, and `instances` of them all. An order without a limit gets this one. */
  readonly limits: Limits & { readonly instances?: number | undefined };
  readonly ports: readonly PortRange[];
  /** Whose services may be run here: all entries of a service must be among them. Undefined: any. */
  readonly entries?: readonly EntryRule[] | undefined;
}

/** An order, as far as the policy judges it. */
export interface PolicyOrder {
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly port: number;
  /** Of its service; undefined: not known. */
  readonly entries?: readonly Entry[] | undefined;
  readonly limits: Limits;
  readonly image?: string | undefined;
}

/** What the order's names are on this node, right now. */
export interface PolicyFacts {
  readonly driver: DriverName;
  /** Its programs; none for containers. */
  readonly programs: readonly ProgramFacts[];
  /** With symbolic links followed. */
  readonly workingDirectory: string;
  readonly uid: number;
  /** Instances on the node besides this one. */
  readonly instances: number;
}

/** A program on the node. */
export interface ProgramFacts {
  readonly path: string;
  /** With symbolic links followed. */
  readonly real: string;
  /** In hex; undefined: nobody needed it (`wantsHash`). */
  readonly sha256?: string | undefined;
}

/** Why something may not be run. */
export interface Refusal {
  /** The field of the policy that refused, e.g. `limits.memory`. */
  readonly rule: string;
  /** e.g. `user "root" is not allowed`. */
  readonly what: string;
  /** What the policy allows there, for people. */
  readonly allowed: string;
}

const listOf = (texts: readonly string[]): string =>
  texts.length === 0 ? 'nothing' : texts.slice(0, 10).join(', ') + (texts.length > 10 ? ', …' : '');

const refuse = (rule: string, what: string, allowed: readonly string[]): Refusal => ({
  rule,
  what: `${what} is not allowed`,
  allowed: listOf(allowed),
});

/** A rule names the program itself, or its pattern fits where the program really is: a link in an allowed folder leads nowhere else. */
function commandRuleFits({ path }: CommandRule, program: ProgramFacts): boolean {
  return path.includes('*')
    ? matchesPath(path, program.real)
    : path === program.path || path === program.real;
}

/** True if the policy can only judge this program by its hash. */
export function wantsHash(policy: Policy, program: ProgramFacts): boolean {
  return policy.commands.some((rule) => rule.sha256 !== undefined && commandRuleFits(rule, program));
}

/** What is to be executed for an allowed program: the path that a rule names, else the real one, so that no link is followed again. */
export function executedPath(policy: Policy, program: ProgramFacts): string {
  return policy.commands.some(({ path }) => path === program.path) ? program.path : program.real;
}

/** Judges one program. */
export function checkProgram(policy: Policy, program: ProgramFacts): Refusal | undefined {
  const fitting = policy.commands.filter((rule) => commandRuleFits(rule, program));
  if (fitting.some(({ sha256 }) => sha256 === undefined || sha256 === program.sha256)) return undefined;
  const where = program.path === program.real ? '' : ` (really ${quoteValue(program.real)})`;
  if (fitting.length === 0) {
    return refuse(
      'commands',
      `program ${quoteValue(program.path)}${where}`,
      policy.commands.map(({ path }) => path),
    );
  }
  const hashes = fitting.flatMap(({ sha256 }) => sha256 ?? []);
  return refuse(
    'commands.sha256',
    `program ${quoteValue(program.path)} with SHA-256 ${program.sha256}`,
    hashes,
  );
}

function checkUser(policy: Policy, order: PolicyOrder, uid: number): Refusal | undefined {
  const users = [...policy.users, ...(policy.defaultUser === undefined ? [] : [policy.defaultUser])];
  if (uid === 0 && !policy.allowRoot) {
    return {
      rule: 'allowRoot',
      what: `user ${quoteValue(order.user)} is root (uid 0), which is not allowed`,
      allowed: 'any other user that the policy names',
    };
  }
  return users.includes(order.user) ? undefined : refuse('users', `user ${quoteValue(order.user)}`, users);
}

/** True for the directory itself and what is below it; a path with `..` is below nothing. */
function isBelow(folder: string, directory: string): boolean {
  const parts = folder.split('/');
  if (parts.includes('..')) return false;
  if (directory === '/') return true;
  return matchesPath(directory, parts.slice(0, directory.split('/').length).join('/'));
}

const LIMIT_NAMES = [
  ['cpu', 'cpu'],
  ['memoryBytes', 'memory'],
  ['pids', 'pids'],
  ['files', 'files'],
] as const;

function checkLimits(policy: Policy, order: PolicyOrder, instances: number): Refusal | undefined {
  const most = policy.limits;
  if (most.instances !== undefined && instances >= most.instances) {
    return refuse('limits.instances', `one more instance besides ${instances}`, [
      `at most ${most.instances}`,
    ]);
  }
  for (const [key, name] of LIMIT_NAMES) {
    const cap = most[key];
    const value = order.limits[key];
    if (cap === undefined || (value !== undefined && value <= cap)) continue;
    return refuse(`limits.${name}`, value === undefined ? `no ${name} limit` : `${name} ${value}`, [
      `at most ${cap}`,
    ]);
  }
  return undefined;
}

function checkEntries(policy: Policy, { entries }: PolicyOrder): Refusal | undefined {
  const rules = policy.entries;
  if (rules === undefined) return undefined;
  const allowed = rules.map(({ text }) => text);
  if (entries === undefined) return refuse('entries', 'a service whose entries are not known', allowed);
  const other = entries.find((entry) => !rules.some((rule) => fitsEntryRule(rule, entry)));
  return other === undefined
    ? undefined
    : refuse('entries', `a service with entry ${formatEntry(other)}`, allowed);
}

/**
 * Judges an order.
 * @returns the first rule that refuses it, undefined if it may run
 */
export function checkPolicy(policy: Policy, order: PolicyOrder, facts: PolicyFacts): Refusal | undefined {
  if (!policy.drivers.includes(facts.driver))
    return refuse('drivers', `driver ${facts.driver}`, policy.drivers);
  for (const program of facts.programs) {
    const refusal = checkProgram(policy, program);
    if (refusal !== undefined) return refusal;
  }
  const { image } = order;
  if (image !== undefined && !policy.images.some((pattern) => matchesImage(pattern, image))) {
    return refuse('images', `image ${quoteValue(image)}`, policy.images);
  }
  const { workingDirectory } = facts;
  const isAllowed = policy.directories.some((directory) => isBelow(workingDirectory, directory));
  if (workingDirectory !== '/' && !isAllowed) {
    return refuse('directories', `working directory ${quoteValue(workingDirectory)}`, policy.directories);
  }
  const variable = Object.keys(order.env).find(
    (name) => !policy.env.some((pattern) => matchesEnvName(pattern, name)),
  );
  if (variable !== undefined) return refuse('env', `variable ${variable}`, policy.env);
  if (!policy.ports.some(({ from, to }) => order.port >= from && order.port <= to)) {
    return refuse(
      'ports',
      `port ${order.port}`,
      policy.ports.map(({ from, to }) => `${from}-${to}`),
    );
  }
  return (
    checkEntries(policy, order) ??
    checkUser(policy, order, facts.uid) ??
    checkLimits(policy, order, facts.instances)
  );
}

/** An order's user and limits with what the policy says where the order says nothing; '' if neither names a user. */
export function underPolicy(
  policy: Policy,
  asked: { readonly user?: string | undefined; readonly limits: Limits },
): { readonly user: string; readonly limits: Limits } {
  const { cpu, memoryBytes, pids, files } = policy.limits;
  const { limits } = asked;
  return {
    user: asked.user ?? policy.defaultUser ?? '',
    limits: {
      cpu: limits.cpu ?? cpu,
      memoryBytes: limits.memoryBytes ?? memoryBytes,
      pids: limits.pids ?? pids,
      files: limits.files ?? files,
    },
  };
}

/** The parts of a range that the policy allows, in the order of the policy. */
export function allowedPorts(policy: Policy, range: PortRange): readonly PortRange[] {
  return policy.ports
    .map(({ from, to }) => ({ from: Math.max(from, range.from), to: Math.min(to, range.to) }))
    .filter(({ from, to }) => from <= to);
}
