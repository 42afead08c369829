/** Owns asking another Eureka server: bounded in time and size. Must not know what follows from its answers. */
import { type Fetched, readApplications } from '../../eureka/read-applications.ts';
import { SluiceError } from '../../errors.ts';

/** Longest that a fetch may take. */
const TIMEOUT_MS = 10_000;
/** Longest answer: 60,000 instances of 1 KB. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Says who asks: a server that follows others answers with what is its own. */
export const FOLLOWER_HEADER = 'sluice-follower';

/** What is asked. */
export interface RegistryFetch {
  /** Base of the protocol, e.g. `http://eureka:8761/eureka`, without a slash at its end. */
  readonly url: string;
  readonly path: '/apps' | '/apps/delta';
  /** `user:password`; undefined: none. */
  readonly credentials: string | undefined;
  readonly signal: AbortSignal;
}

const failed = (url: string, why: string, cause?: unknown): SluiceError =>
  new SluiceError('unavailable', `cannot follow the Eureka server ${url}`, {
    why,
    fix: 'check --follow-eureka and --follow-credentials; what was taken over stays meanwhile',
    details: { written: false },
    cause,
  });

async function textOf(answer: Response, url: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.body ?? []) {
    length += chunk.length;
    if (length > MAX_BYTES) throw failed(url, 'its answer is longer than 64 MB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

async function answerOf({ url, path, credentials, signal }: RegistryFetch): Promise<unknown> {
  const basic = credentials === undefined ? undefined : Buffer.from(credentials).toString('base64');
  const headers = {
    accept: 'application/json',
    [FOLLOWER_HEADER]: 'true',
    ...(basic === undefined ? {} : { authorization: `Basic ${basic}` }),
  };
  try {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
    const answer = await fetch(url + path, { headers, signal: bounded });
    if (answer.status !== 200) throw failed(url, `it answered ${path} with ${answer.status}`);
    const body: unknown = JSON.parse(await textOf(answer, url));
    return body;
  } catch (error) {
    if (error instanceof SluiceError || !(error instanceof Error)) throw error;
    throw failed(url, error.cause instanceof Error ? error.cause.message : error.message, error);
  }
}

/** Asks. @throws SluiceError `unavailable` whatever is wrong with the answer */
export async function fetchRegistry(asked: RegistryFetch): Promise<Fetched> {
  const fetched = readApplications(await answerOf(asked));
  if (fetched !== undefined) return fetched;
  throw failed(asked.url, `its answer to ${asked.path} is not one of Eureka's`);
}
