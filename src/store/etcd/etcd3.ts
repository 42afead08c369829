/**
 * Owns the etcd3 package: the one file that imports it, statically, because a bundler gives a dynamic import of a CommonJS
 * package no named exports. Everything else imports this file lazily: it costs about 100 ms.
 */
import { rootCertificates } from 'node:tls';
import { noop } from 'cockatiel';
import { Etcd3 } from 'etcd3';

/** A client of one server. */
export type EtcdClient = Etcd3;

type Credentials = NonNullable<NonNullable<ConstructorParameters<typeof Etcd3>[0]>['credentials']>;
type WatchOptions = NonNullable<Parameters<EtcdClient['watchClient']['watch']>[0]>;
type Interceptor = NonNullable<WatchOptions['interceptors']>[number];

/** Certificates as file contents. */
export interface EtcdTls {
  readonly cacert?: Buffer | undefined;
  readonly cert?: Buffer | undefined;
  readonly key?: Buffer | undefined;
}

/** User and password; the password goes nowhere but into the authenticate call. */
export interface EtcdAuth {
  readonly username: string;
  readonly password: string;
}

/** Reach of one server. */
export interface EtcdTarget {
  /** `http://host:port` or `https://host:port`. */
  readonly endpoint: string;
  readonly tls?: EtcdTls | undefined;
  readonly auth?: EtcdAuth | undefined;
}

/** Deadline of calls that the package makes by itself (authenticate). */
const OWN_CALL_MS = 1_000;

/**
 * Channel options. Reconnect at once and every second at the latest (the default goes to 120 s); keepalive not under etcd's
 * minimum of 5 s; 64 MiB because a page or a batch of events passes 4 MiB easily; no proxy from the environment: a
 * proxy for the web is not meant for the store.
 */
const CHANNEL = {
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 3_000,
  'grpc.max_receive_message_length': 64 * 1024 * 1024,
  'grpc.enable_http_proxy': 0,
};

/**
 * A client of one server without the package's own retries and circuit breakers: they send writes twice and refuse
 * everything for 5 s after one large answer.
 */
export function connectEtcd3(target: EtcdTarget): EtcdClient {
  const { tls, auth } = target;
  return new Etcd3({
    hosts: target.endpoint,
    ...(tls === undefined ? {} : { credentials: credentialsOf(tls) }),
    ...(auth === undefined ? {} : { auth: { username: auth.username, password: auth.password } }),
    faultHandling: { host: () => noop, global: noop },
    defaultCallOptions: (call) => (call.isStream ? {} : { deadline: Date.now() + OWN_CALL_MS }),
    grpcOptions: CHANNEL,
  });
}

/** The package wants a root certificate always; without one of the admin's they are those that Node trusts. */
function credentialsOf(tls: EtcdTls): Credentials {
  return {
    rootCertificate: tls.cacert ?? Buffer.from(rootCertificates.join('\n')),
    ...(tls.key === undefined ? {} : { privateKey: tls.key }),
    ...(tls.cert === undefined ? {} : { certChain: tls.cert }),
  };
}

/** Asks the server to end the stream when its member loses the leader. The package has no way to add metadata but this one. */
const requireLeader: Interceptor = (options, nextCall) => {
  const call = nextCall(options);
  const start = call.start.bind(call);
  call.start = (metadata, listener) => {
    const asked = metadata.clone();
    asked.set('hasleader', 'true');
    start(asked, listener);
  };
  // The declared type is a class of grpc-js, which only wraps this interface; importing it would be one dependency more.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return call as ReturnType<Interceptor>;
};

/** Opens a raw watch stream that ends when the member has no leader. */
export async function openWatchStream(client: EtcdClient): ReturnType<EtcdClient['watchClient']['watch']> {
  return client.watchClient.watch({ interceptors: [requireLeader] });
}
