/** Owns the body of `apiserver`: from flags to what the server is started with, and the refusal of what is not safe. */
import { readFile } from 'node:fs/promises';
import { startApiServer } from '../../apiserver/start.ts';
import type { ServerTls } from '../../apiserver/http/listen.ts';
import { type ResultCode, SluiceError } from '../../errors.ts';
import { untilAborted } from '../../host/wait.ts';
import type { ApiServerFlags } from '../commands/apiserver.ts';
import { logOf } from '../daemon.ts';
import { type ListenAddress, parseListen } from '../listen-address.ts';
import { DEFAULT_LISTEN } from '../options.ts';
import type { Session } from '../session.ts';

/** How long the first listing may take before the log says that it waits. */
const FIRST_LISTING_MS = 10_000;

/** Refuses to serve other machines what they could read and change unseen. @throws SluiceError `config` */
function checkSafe({ isLoopback }: ListenAddress, flags: ApiServerFlags): void {
  if (isLoopback || flags.insecure === true) return;
  if (flags.tlsCert === undefined) {
    throw unsafe('everybody on the way could read its tokens', 'give --tls-cert and --tls-key');
  }
  if (flags.anonymous !== undefined) {
    throw unsafe('everybody who reaches it would have a role', 'leave --anonymous out, and make tokens');
  }
}

function unsafe(why: string, fix: string): SluiceError {
  return new SluiceError('config', 'this API server would not be safe', {
    why,
    fix: `${fix}; listen on loopback; or say --insecure`,
  });
}

async function readTls({ tlsCert, tlsKey, clientCa }: ApiServerFlags): Promise<ServerTls | undefined> {
  if (
    (tlsCert === undefined) !== (tlsKey === undefined) ||
    (clientCa !== undefined && tlsCert === undefined)
  ) {
    throw new SluiceError('config', '--tls-cert, --tls-key and --client-ca do not fit together', {
      why: 'a certificate needs its key, and client certificates need TLS',
      fix: 'give --tls-cert and --tls-key',
    });
  }
  if (tlsCert === undefined || tlsKey === undefined) return undefined;
  const [cert, key, ca] = await Promise.all([
    read('--tls-cert', tlsCert),
    read('--tls-key', tlsKey),
    clientCa === undefined ? undefined : read('--client-ca', clientCa),
  ]);
  return { cert, key, clientCa: ca };
}

async function read(flag: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw new SluiceError('config', `cannot read the file of ${flag}`, {
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'name a file that this user may read',
      details: { flag, path },
      cause,
    });
  }
}

/** Serves until a signal. */
export async function apiServerBody(session: Session, flags: ApiServerFlags): Promise<ResultCode> {
  const { deps, settings, signal } = session;
  if (settings.servers !== undefined) {
    throw new SluiceError('config', 'an API server speaks to etcd, not to API servers', {
      why: '--server (SLUICE_SERVER, server:) is set',
      fix: 'give --endpoints',
    });
  }
  const address = parseListen(flags.listen ?? DEFAULT_LISTEN, DEFAULT_LISTEN);
  checkSafe(address, flags);
  const [tls, log] = [await readTls(flags), logOf(session, flags.logFormat)];
  if (!address.isLoopback && flags.insecure === true) log.warn('serves other machines as told by --insecure');
  const store = await deps.openStore(settings);
  try {
    const { clock, random, newId } = deps;
    const server = await startApiServer({
      ...address,
      store,
      tls,
      anonymous: flags.anonymous,
      log,
      clock,
      random,
      newId,
    });
    try {
      await serve(server, { log, signal });
    } finally {
      await server.close();
    }
  } finally {
    await store.close();
  }
  return 'ok';
}

/** What etcd refuses ends the server; an etcd that is away does not. */
async function serve(
  server: Awaited<ReturnType<typeof startApiServer>>,
  { log, signal }: { readonly log: ReturnType<typeof logOf>; readonly signal: AbortSignal },
): Promise<void> {
  const follow = async (): Promise<void> => {
    try {
      await server.synced(FIRST_LISTING_MS);
      log.info('the store is listed: ready');
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'unavailable') throw error;
      log.warn('the store cannot be listed yet, trying on', { why: error.why });
    }
    await untilAborted(signal);
  };
  await Promise.race([untilAborted(signal), follow()]);
}
