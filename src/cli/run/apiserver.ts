/** Owns the body of `apiserver`: from flags to what the server is started with, and the refusal of what is not safe. */
import {
  type CertificateFiles,
  followCertificates,
  readCertificates,
} from '../../apiserver/http/certificates.ts';
import type { ServerTls } from '../../apiserver/http/listen.ts';
import { type ApiServer, startApiServer } from '../../apiserver/start.ts';
import { type ResultCode, SluiceError } from '../../errors.ts';
import type { Log } from '../../host/log.ts';
import { untilAborted } from '../../host/wait.ts';
import type { ApiServerFlags } from '../commands/apiserver.ts';
import { logOf } from '../daemon.ts';
import { followOptions } from '../follow-options.ts';
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

/** @throws SluiceError `config` */
function certificateFiles({ tlsCert, tlsKey, clientCa }: ApiServerFlags): CertificateFiles | undefined {
  if (
    (tlsCert === undefined) !== (tlsKey === undefined) ||
    (clientCa !== undefined && tlsCert === undefined)
  ) {
    throw new SluiceError('config', '--tls-cert, --tls-key and --client-ca do not fit together', {
      why: 'a certificate needs its key, and client certificates need TLS',
      fix: 'give --tls-cert and --tls-key',
    });
  }
  return tlsCert === undefined || tlsKey === undefined ? undefined : { cert: tlsCert, key: tlsKey, clientCa };
}

/** Follows the certificates beside the server; SIGHUP has them looked at now. */
function followFiles(
  { deps }: Session,
  server: ApiServer,
  { files, tls, log }: Tls & { readonly log: Log },
): { readonly close: () => Promise<void> } {
  const { clock } = deps;
  if (files === undefined || tls === undefined) {
    const stop = deps.onResync(() => log.info('SIGHUP: there are no certificates to read again'));
    return { close: async () => Promise.resolve(stop()) };
  }
  const following = followCertificates({ files, first: tls, renew: server.renewTls, clock, log });
  const stop = deps.onResync(() => void following.look());
  return {
    close: async () => {
      stop();
      await following.close();
    },
  };
}

/** Certificates as files and as read; both are there, or neither. */
interface Tls {
  readonly files: CertificateFiles | undefined;
  readonly tls: ServerTls | undefined;
}

async function tlsOf(flags: ApiServerFlags): Promise<Tls> {
  const files = certificateFiles(flags);
  return { files, tls: files === undefined ? undefined : await readCertificates(files) };
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
  const [{ files, tls }, follow] = [await tlsOf(flags), await followOptions(flags)];
  const log = logOf(session, flags.logFormat);
  if (!address.isLoopback && flags.insecure === true) log.warn('serves other machines as told by --insecure');
  const store = await deps.openStore(settings);
  try {
    const { clock, random, newId } = deps;
    const server = await startApiServer({
      ...address,
      store,
      tls,
      anonymous: flags.anonymous,
      follow,
      log,
      clock,
      random,
      newId,
    });
    const following = followFiles(session, server, { files, tls, log });
    try {
      await serve(server, { log, signal });
    } finally {
      await following.close();
      await server.close();
    }
  } finally {
    await store.close();
  }
  return 'ok';
}

/** What etcd refuses ends the server; an etcd that is away does not. */
async function serve(
  server: ApiServer,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
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
