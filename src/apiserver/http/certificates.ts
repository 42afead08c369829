/**
 * Owns the certificate files of a server: reading them, and noticing that they were replaced. What cannot be used is refused with a line in
 * the log, and what was in use stays. Must not know sockets.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { SluiceError } from '../../errors.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { ServerTls } from './listen.ts';

/**
 * Between two looks. The files are read, not watched: certificates come by rename, by new targets of links and by mounts, of which a
 * watch on a file or its folder hears in part only; reading three small files takes a fraction of a millisecond.
 */
const LOOK_MS = 5_000;

/** Where the certificates are. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
  /** Certificates that this authority signed are credentials. */
  readonly clientCa: string | undefined;
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

/** Refuses a file that is empty or cut short: with it, no client would be believed. @throws SluiceError `config` */
function checkAuthority(text: Buffer, path: string): void {
  try {
    void new X509Certificate(text);
  } catch (cause) {
    throw new SluiceError('config', 'the file of --client-ca holds no certificate', {
      why: cause instanceof Error ? cause.message : String(cause),
      fix: 'name a file with a certificate in PEM',
      details: { flag: '--client-ca', path },
      cause,
    });
  }
}

/** Reads the files one after the other, so that of several bad ones always the same is named. @throws SluiceError `config` */
export async function readCertificates({ cert, key, clientCa }: CertificateFiles): Promise<ServerTls> {
  const certText = await read('--tls-cert', cert);
  const keyText = await read('--tls-key', key);
  const caText = clientCa === undefined ? undefined : await read('--client-ca', clientCa);
  if (clientCa !== undefined && caText !== undefined) checkAuthority(caText, clientCa);
  return { cert: certText, key: keyText, clientCa: caText };
}

/** What following needs. */
export interface FollowOptions {
  readonly files: CertificateFiles;
  /** What is in use. */
  readonly first: ServerTls;
  /** Puts others to use for connections that come. @throws SluiceError `config` if they do not fit together */
  readonly renew: (tls: ServerTls) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Files that are followed. */
export interface Following {
  /** Looks at once, and says in the log what was found, also if nothing is new. */
  readonly look: () => Promise<void>;
  readonly close: () => Promise<void>;
}

const isSame = (a: ServerTls, b: ServerTls): boolean =>
  a.cert.equals(b.cert) &&
  a.key.equals(b.key) &&
  (a.clientCa === undefined
    ? b.clientCa === undefined
    : b.clientCa !== undefined && a.clientCa.equals(b.clientCa));

/** Refuses what clients would refuse. @throws SluiceError `config` */
function checkTime({ cert }: ServerTls, now: Date): X509Certificate {
  const certificate = new X509Certificate(cert);
  if (Date.parse(certificate.validTo) > now.getTime()) return certificate;
  throw new SluiceError('config', 'the new certificate has expired', { why: `on ${certificate.validTo}` });
}

/** Follows the files until it is closed. */
export function followCertificates({ files, first, renew, clock, log }: FollowOptions): Following {
  const closing = new AbortController();
  let used = first;
  let lastWhy = '';

  const take = (next: ServerTls): void => {
    const { subject, validTo } = checkTime(next, clock.now());
    renew(next);
    used = next;
    log.info('new certificates are in use', { subject, validTo });
  };
  const look = async (): Promise<'same' | 'new' | 'refused'> => {
    try {
      const next = await readCertificates(files);
      const same = isSame(next, used);
      if (!same) take(next);
      lastWhy = '';
      return same ? 'same' : 'new';
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      const why = error instanceof SluiceError && error.why !== undefined ? `${what}: ${error.why}` : what;
      // Once for each thing that is wrong: they may be half replaced.
      if (why !== lastWhy) log.error('the new certificates cannot be used; those before stay', { why });
      lastWhy = why;
      return 'refused';
    }
  };
  const follow = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      await clock.sleep(LOOK_MS, closing.signal);
      if (!closing.signal.aborted) await look();
    }
  };
  const running = follow();
  return {
    look: async () => {
      lastWhy = '';
      if ((await look()) === 'same') log.info('the certificates are as before');
    },
    close: async () => {
      closing.abort();
      await running;
    },
  };
}
