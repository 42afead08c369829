/** Owns the choice of the store from the configuration, and the reading of its secret files. */
import { SluiceError } from '../errors.ts';
import type { Clock } from '../host/clock.ts';
import { parseTokenText } from '../model/token-text.ts';
import type { EtcdAuth, EtcdTls } from './etcd/etcd3.ts';
import type { ServableStore } from './lease-calls.ts';
import { readSecretFile } from './secret-file.ts';

/** Default prefix of all keys. */
const DEFAULT_PREFIX = '/sluice/v1/';

/** How to reach the store, as configured: paths of files, not their contents. */
export interface StoreConfig {
  /** Servers of etcd; not heeded where there are API servers. */
  readonly endpoints: readonly string[];
  /** API servers instead of etcd. */
  readonly servers?: readonly string[] | undefined;
  /** Default `/sluice/v1/`; must begin and end with a slash. API servers have their own. */
  readonly prefix?: string | undefined;
  readonly cacert?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** Credentials of etcd. */
  readonly username?: string | undefined;
  readonly passwordFile?: string | undefined;
  /** Credentials of API servers. */
  readonly tokenFile?: string | undefined;
  readonly clock?: Clock | undefined;
}

/**
 * Opens the configured store. Nothing is connected before the first call. Files are read one after the other: of several
 * bad ones always the same is named.
 * @throws SluiceError `config`: a file cannot be read, an endpoint is not one, half of a pair is missing, both kinds are mixed
 */
export async function openStore(config: StoreConfig): Promise<ServableStore> {
  return config.servers === undefined ? openEtcd(config) : openApi(config, config.servers);
}

async function openEtcd(config: StoreConfig): Promise<ServableStore> {
  const prefix = config.prefix ?? DEFAULT_PREFIX;
  if (!/^\/([\x21-\x7e]*\/)?$/.test(prefix)) {
    throw misfit(`prefix ${JSON.stringify(prefix)} does not begin and end with a slash`, '--prefix');
  }
  if (config.tokenFile !== undefined) {
    throw misfit('a token is for API servers, and none is named', '--token-file and --server');
  }
  const tls = await readTls(config);
  const auth = await readAuth(config);
  const { createEtcdStore } = await import('./etcd/etcd.ts');
  return createEtcdStore({ endpoints: config.endpoints, prefix, tls, auth, clock: config.clock });
}

async function openApi(config: StoreConfig, servers: readonly string[]): Promise<ServableStore> {
  const { username, passwordFile, prefix, tokenFile, clock } = config;
  if (username !== undefined || passwordFile !== undefined) {
    throw misfit('API servers take tokens and certificates, not users of etcd', '--user and --password-file');
  }
  if (prefix !== undefined) throw misfit('the prefix is the one that the API servers have', '--prefix');
  const tls = await readTls(config);
  const token = await readToken(tokenFile);
  const { createApiStore } = await import('./api/api.ts');
  return createApiStore({ servers, tls, token, clock });
}

async function readTls({ cacert, cert, key }: StoreConfig): Promise<EtcdTls | undefined> {
  if ((cert === undefined) !== (key === undefined)) {
    throw misfit('a client certificate needs its key, and the key its certificate', '--cert and --key');
  }
  if (cacert === undefined && cert === undefined) return undefined;
  return {
    cacert: await read(cacert, '--cacert'),
    cert: await read(cert, '--cert'),
    key: await read(key, '--key'),
  };
}

async function readAuth({ username, passwordFile }: StoreConfig): Promise<EtcdAuth | undefined> {
  if (username === undefined && passwordFile === undefined) return undefined;
  if (username === undefined || passwordFile === undefined) {
    throw misfit('a user needs a password file, and the file a user', '--user and --password-file');
  }
  const content = await read(passwordFile, '--password-file');
  return { username, password: content?.toString().replace(/\r?\n$/, '') ?? '' };
}

/** The token of a file, without showing what else may stand there. */
async function readToken(tokenFile: string | undefined): Promise<string | undefined> {
  const text = (await read(tokenFile, '--token-file'))?.toString().trim();
  if (text === undefined || parseTokenText(text) !== undefined) return text;
  throw misfit('the file holds no token of Sluice: sluice_ID_SECRET', '--token-file');
}

async function read(path: string | undefined, flag: string): Promise<Buffer | undefined> {
  return path === undefined ? undefined : readSecretFile(path, flag);
}

function misfit(why: string, flag: string): SluiceError {
  return new SluiceError('config', 'the configuration of the store does not fit together', {
    why,
    fix: `correct ${flag}`,
    details: { flag },
  });
}
