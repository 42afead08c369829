/** Owns the choice of the store from the configuration, and the reading of its secret files. */
import { readFile } from 'node:fs/promises';
import { SluiceError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import type { EtcdAuth, EtcdTls } from './etcd/etcd3.ts';
import type { Store } from './store.ts';

/** Default prefix of all keys. */
const DEFAULT_PREFIX = '/sluice/v1/';

/** How to reach the store, as configured: paths of files, not their contents. */
export interface StoreConfig {
  readonly endpoints: readonly string[];
  /** Default `/sluice/v1/`; must begin and end with a slash. */
  readonly prefix?: string | undefined;
  readonly cacert?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Opens the configured store. Nothing is connected before the first call.
 * @throws SluiceError `config`: a file cannot be read, an endpoint is not one, half of a pair is missing
 */
export async function openStore(config: StoreConfig): Promise<Store> {
  const prefix = config.prefix ?? DEFAULT_PREFIX;
  if (!/^\/([\x21-\x7e]*\/)?$/.test(prefix)) {
    throw misfit(`prefix ${JSON.stringify(prefix)} does not begin and end with a slash`, '--prefix');
  }
  const [tls, auth] = await Promise.all([readTls(config), readAuth(config)]);
  const { createEtcdStore } = await import('./etcd/etcd.ts');
  return createEtcdStore({ endpoints: config.endpoints, prefix, tls, auth, clock: config.clock });
}

async function readTls({ cacert, cert, key }: StoreConfig): Promise<EtcdTls | undefined> {
  if ((cert === undefined) !== (key === undefined)) {
    throw misfit('a client certificate needs its key, and the key its certificate', '--cert and --key');
  }
  if (cacert === undefined && cert === undefined) return undefined;
  const [cacertBytes, certBytes, keyBytes] = await Promise.all([
    read(cacert, '--cacert'),
    read(cert, '--cert'),
    read(key, '--key'),
  ]);
  return { cacert: cacertBytes, cert: certBytes, key: keyBytes };
}

async function readAuth({ username, passwordFile }: StoreConfig): Promise<EtcdAuth | undefined> {
  if (username === undefined && passwordFile === undefined) return undefined;
  if (username === undefined || passwordFile === undefined) {
    throw misfit('a user needs a password file, and the file a user', '--user and --password-file');
  }
  const content = await read(passwordFile, '--password-file');
  return { username, password: content?.toString().replace(/\r?\n$/, '') ?? '' };
}

async function read(path: string | undefined, flag: string): Promise<Buffer | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('config', `cannot read the file of ${flag}`, {
      why,
      fix: 'name a file that this user may read',
      details: { flag, path },
      cause,
    });
  }
}

function misfit(why: string, flag: string): SluiceError {
  return new SluiceError('config', 'the configuration of the store does not fit together', {
    why,
    fix: `correct ${flag}`,
    details: { flag },
  });
}
