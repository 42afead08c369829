/** Owns making a start order of an assignment: placeholders replaced, the policy's defaults filled in, a port of both ranges taken. */
import { SluiceError } from '../../errors.ts';
import type { Assignment } from '../../model/assignment.ts';
import { expandPlaceholders } from '../../model/placeholders.ts';
import { allowedPorts, type Policy, underPolicy } from '../../model/policy.ts';
import type { PlaceholderValues, Probe } from '../../model/template.ts';
import { boundPorts } from '../../runtime/bound-ports.ts';
import type { StartOrder } from '../../runtime/driver.ts';
import type { PortBook } from '../../runtime/ports.ts';
import type { PrepareOptions } from './edges.ts';

type Words = readonly string[];

/** Values of an instance's placeholders. */
export const valuesOf = (node: string, { id, service, ip, port }: StartOrder): PlaceholderValues => ({
  id,
  service,
  node,
  ip,
  port: String(port),
});

/** Words with their placeholders replaced. */
export const expandWords = (words: Words, values: PlaceholderValues): Words =>
  words.map((word) => expandPlaceholders(word, values));

/** A probe with its placeholders replaced; the words of a program are replaced when it is run. */
export function expandProbe(probe: Probe, values: PlaceholderValues): Probe {
  const expand = (text: string | undefined): string | undefined =>
    text === undefined ? undefined : expandPlaceholders(text, values);
  if (probe.kind === 'tcp') return { ...probe, send: expand(probe.send), expect: expand(probe.expect) };
  if (probe.kind === 'http') {
    return { ...probe, path: expandPlaceholders(probe.path, values), host: expand(probe.host) };
  }
  return { ...probe, command: expandWords(probe.command, values) };
}

/** A user for the order. @throws SluiceError `permission` if neither template nor policy names one */
function userUnder(policy: Policy, { template, id }: Assignment): Pick<StartOrder, 'user' | 'limits'> {
  const found = underPolicy(policy, template);
  if (found.user !== '') return found;
  throw new SluiceError('permission', `the node's policy refuses instance ${id}: it names no user`, {
    why: 'rule defaultUser names none either',
    fix: "name a user in the template, or a defaultUser in the node's policy file",
    details: { rule: 'defaultUser' },
  });
}

/**
 * Its own port again, unless it cannot be listened on now: somebody else does, or an outgoing connection has it.
 * @throws SluiceError `permission` if the policy allows none of the template's, `conflict` if none is free, `failed`
 */
async function takePort(
  book: PortBook,
  policy: Policy,
  { assignment, ip, port }: PrepareOptions,
): Promise<number> {
  const { id, template } = assignment;
  const { from, to } = template.ports;
  const ranges = allowedPorts(policy, template.ports);
  if (ranges.length === 0) {
    const allowed = policy.ports.map((range) => `${range.from}-${range.to}`).join(', ');
    throw new SluiceError('permission', `the node's policy refuses instance ${id}: ports ${from}-${to}`, {
      why: `rule ports allows ${allowed === '' ? 'nothing' : allowed}`,
      fix: "change the template, or the node's policy file",
      details: { rule: 'ports', allowed },
    });
  }
  const own = book.reserved().get(id);
  if (own !== undefined && (boundPorts().has(own) || !(await book.isFree(ip, own)))) await book.release(id);
  return await book.reserve({ id, ip, ranges, preferred: port });
}

/** Everything about one start. @throws SluiceError `permission`, `conflict`, `config`, `failed` */
export async function orderOf(
  options: PrepareOptions,
  { policy, book }: { readonly policy: Policy; readonly book: PortBook },
): Promise<StartOrder> {
  const { assignment, ip, entries } = options;
  const { id, service, node, template } = assignment;
  const { user, limits } = userUnder(policy, assignment);
  const port = await takePort(book, policy, options);
  const values: PlaceholderValues = { id, service, node, ip, port: String(port) };
  const env = Object.entries(template.env).map(([name, text]) => [name, expandPlaceholders(text, values)]);
  const { hooks, image } = template;
  return {
    id,
    service,
    command: expandWords(template.command, values),
    hooks: hooks && { stop: expandWords(hooks.stop, values), status: expandWords(hooks.status, values) },
    image,
    env: Object.fromEntries(env),
    workingDirectory: template.workingDirectory ?? '/',
    user,
    ip,
    port,
    entries,
    limits,
    logs: template.logs,
  };
}
