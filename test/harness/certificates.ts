/** Owns certificates for tests, made with openssl: an authority, a server for localhost, and a client. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Paths of PEM files. */
export interface Certificates {
  readonly cacert: string;
  readonly server: { readonly cert: string; readonly key: string };
  readonly client: { readonly cert: string; readonly key: string };
}

const run = promisify(execFile);

/**
 * Makes them in an existing folder.
 * @param clientName the common name of the client, which etcd takes as the user
 * @param ips further addresses of the server
 */
export async function makeCertificates(
  folder: string,
  clientName: string,
  ips: readonly string[] = [],
): Promise<Certificates> {
  const file = (name: string): string => join(folder, name);
  const extensions = file('extensions');
  await writeFile(
    extensions,
    `[server]\nsubjectAltName=${['DNS:localhost', ...['127.0.0.1', ...ips].map((ip) => `IP:${ip}`)].join(',')}\n` +
      'extendedKeyUsage=serverAuth,clientAuth\n' +
      '[client]\nextendedKeyUsage=clientAuth\n',
  );
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const ca = ['-x509', '-days', '2', '-subj', '/CN=test authority'];
  await run('openssl', ['req', ...ca, ...newKey, '-keyout', file('ca.key'), '-out', file('ca.pem')]);
  const issue = async (
    kind: 'server' | 'client',
    subject: string,
  ): Promise<{ cert: string; key: string }> => {
    const [cert, key, request] = [file(`${kind}.pem`), file(`${kind}.key`), file(`${kind}.csr`)];
    await run('openssl', ['req', '-new', '-subj', subject, ...newKey, '-keyout', key, '-out', request]);
    const authority = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '2'];
    const extension = ['-extfile', extensions, '-extensions', kind];
    await run('openssl', ['x509', '-req', '-in', request, ...authority, ...extension, '-out', cert]);
    return { cert, key };
  };
  // One after the other: both write the serial number. A server name would make etcd's gateway act as that user.
  const server = await issue('server', '/O=test');
  return { cacert: file('ca.pem'), server, client: await issue('client', `/CN=${clientName}`) };
}
