/** Owns the flags that name another Eureka registry to follow. */
import type { FollowOptions } from '../apiserver/registry/following.ts';
import { SluiceError } from '../errors.ts';
import { readSecretFile } from '../store/secret-file.ts';

/** How often it is asked: six times as often as its own clients do, since only what changed is sent. */
const EVERY_MS = 5_000;

/** What the flags say. */
export interface FollowFlags {
  readonly followEureka?: readonly string[] | undefined;
  readonly followCredentials?: string | undefined;
}

function wrong(why: string): SluiceError {
  return new SluiceError('config', 'the Eureka registry to follow is not usable', {
    why,
    fix: 'write for example --follow-eureka http://10.0.0.9:8761/eureka; user and password belong into a file (--follow-credentials)',
    details: { written: false, flag: '--follow-eureka' },
  });
}

/** The base of the protocol, without a slash at its end. Never shows the text: a password may stand there. */
function baseOf(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw wrong('an address is not of the form http(s)://HOST:PORT/eureka');
  if (url.username !== '' || url.password !== '') throw wrong('an address holds a user or a password');
  if (url.search !== '' || url.hash !== '') throw wrong('an address has a query');
  return url.href.replace(/\/+$/, '');
}

/** Whom to follow; undefined: nobody. @throws SluiceError `config` */
export async function followOptions(flags: FollowFlags): Promise<FollowOptions | undefined> {
  const { followEureka, followCredentials } = flags;
  if (followEureka === undefined) {
    if (followCredentials === undefined) return undefined;
    throw wrong('--follow-credentials is given, but nobody is followed');
  }
  if (followEureka.length === 0) throw wrong('no address is given');
  const credentials =
    followCredentials === undefined
      ? undefined
      : (await readSecretFile(followCredentials, '--follow-credentials')).toString().trim();
  if (credentials?.includes(':') === false)
    throw wrong('the file of --follow-credentials is not user:password');
  return { urls: followEureka.map(baseOf), credentials, everyMs: EVERY_MS };
}
