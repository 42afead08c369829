/**
 * Owns running etcd3 once while the build makes its code cache: one call to a server that answers nothing, so that the functions that every
 * call needs are compiled by then and go into the cache.
 */
import { createServer } from 'node:http2';

/** An empty message of gRPC: not compressed, 0 bytes. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/** A gRPC server on loopback that answers every call with an empty message. */
async function startServer() {
  const server = createServer();
  server.on('stream', (stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(EMPTY_MESSAGE);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const address = server.address();
  return { server, port: typeof address === 'object' && address !== null ? address.port : 0 };
}

/**
 * Makes one call with the package's client.
 * @param {{ Etcd3: typeof import('etcd3').Etcd3 }} exported what the package file exports
 */
export async function warmUp({ Etcd3 }) {
  const { server, port } = await startServer();
  const client = new Etcd3({
    hosts: `http://127.0.0.1:${port}`,
    defaultCallOptions: { deadline: Date.now() + 10_000 },
  });
  try {
    await client.kv.range({ key: Buffer.from('a') });
  } finally {
    client.close();
    await new Promise((resolve) => server.close(resolve));
  }
}
