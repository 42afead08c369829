/** Owns which user an order's programs run as: an existing one that this agent can become. */
import { SluiceError } from '../../errors.ts';
import { findUser, type UserIds } from './user.ts';

/**
 * The user of an order.
 * @throws SluiceError `config` if there is none of that name, `permission` if this agent cannot become it
 */
export async function userOf(name: string): Promise<UserIds> {
  const user = await findUser(name);
  const own = process.geteuid?.();
  if (own === 0 || own === user.uid) return user;
  throw new SluiceError('permission', `cannot run as user ${user.name}`, {
    why: `the agent runs as uid ${own} and is not root`,
    fix: 'run sluice agent as root, or name its own user in the template',
    details: { user: user.name },
  });
}
