/**
 * Owns the node's ports for instances: which is taken next, and that it is on disk before anything is started on it. A port is one instance's
 * until it is released, and then rests, as clients may still have connections to what was there.
 */
import { createServer } from 'node:net';
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../host/clock.ts';
import { readBounded, writeAtomic } from '../host/files.ts';
import { readKernelFile } from '../host/machine.ts';
import type { PortRange } from '../model/template.ts';
import { quoteValue } from '../model/text.ts';
import { SluiceError } from '../errors.ts';
import { errnoOf } from '../host/error-code.ts';
import { boundPorts } from './bound-ports.ts';
import { createTurns } from './turns.ts';

/** What a port is asked for. */
export interface PortRequest {
  readonly id: string;
  /** Address it will listen on; one of this node's. */
  readonly ip: string;
  /** Where to look, in this order. */
  readonly ranges: readonly PortRange[];
  /** Taken if it is free. */
  readonly preferred?: number | undefined;
}

/** The node's ports. */
export interface PortBook {
  /**
   * A port for an instance, its own again if it has one. On disk when this resolves.
   * @throws SluiceError `conflict` if none is free, `config` if the address is not the node's, `failed` if it cannot be written down
   */
  readonly reserve: (request: PortRequest) => Promise<number>;
  /** True if the port can be listened on now. @throws SluiceError `config` if the address is not the node's */
  readonly isFree: (ip: string, port: number) => Promise<boolean>;
  /** Its port begins to rest. */
  readonly release: (id: string) => Promise<void>;
  readonly reserved: () => ReadonlyMap<string, number>;
}

/** Longer than clients keep on sending to where a connection was. */
const REST_MS = 60_000;
/** How long a look at the bound ports counts. */
const TAKEN_MS = 1_000;
/** A free port that the probe finds taken is rare. */
const MAX_TRIES = 200;

interface Book {
  readonly reserved: Readonly<Record<string, number>>;
  /** Port → when it was released, RFC 3339. */
  readonly resting: Readonly<Record<string, string>>;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function parseBook(text: string | undefined): Book {
  try {
    const value: unknown = JSON.parse(text ?? '{}');
    if (!isObject(value)) return { reserved: {}, resting: {} };
    const { reserved, resting } = value;
    const ports = Object.entries(isObject(reserved) ? reserved : {}).flatMap(([id, port]) =>
      typeof port === 'number' ? [[id, port] as const] : [],
    );
    const rests = Object.entries(isObject(resting) ? resting : {}).flatMap(([port, at]) =>
      typeof at === 'string' ? [[port, at] as const] : [],
    );
    return { reserved: Object.fromEntries(ports), resting: Object.fromEntries(rests) };
  } catch {
    return { reserved: {}, resting: {} };
  }
}

/** Binds for an instant. @throws SluiceError `config` if the address is not this node's */
async function canListen(ip: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: ip, port, exclusive: true }, resolve);
    });
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EADDRNOTAVAIL') {
      throw new SluiceError('config', `${quoteValue(ip)} is not an address of this node`, {
        fix: 'start the agent with --node-ip',
        cause: error,
      });
    }
    return false;
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

/** True while a port rests. A clock that was set back makes no rest longer. */
function isResting(at: string | undefined, nowMs: number): boolean {
  const passed = at === undefined ? REST_MS : nowMs - Date.parse(at);
  return passed > -REST_MS && passed < REST_MS;
}

const inRanges = (port: number, ranges: readonly PortRange[]): boolean =>
  ranges.some(({ from, to }) => port >= from && port <= to);

function* candidates({ ranges, preferred }: PortRequest): Generator<number> {
  if (preferred !== undefined && inRanges(preferred, ranges)) yield preferred;
  for (const { from, to } of ranges) for (let port = from; port <= to; port += 1) yield port;
}

/** What is bound on the node, as it was seen last. */
interface Taken {
  readonly atMs: number;
  readonly ports: ReadonlySet<number>;
}

/** First port that is nobody's; undefined: there is none. */
async function freePort(
  request: PortRequest,
  book: Book,
  { atMs, ports }: Taken,
): Promise<number | undefined> {
  const own = new Set(Object.values(book.reserved));
  let tries = 0;
  for (const port of candidates(request)) {
    if (own.has(port) || ports.has(port) || isResting(book.resting[port], atMs)) continue;
    if (await canListen(request.ip, port)) return port;
    tries += 1;
    if (tries >= MAX_TRIES) break;
  }
  return undefined;
}

function noFreePort(request: PortRequest, { reserved, resting }: Book, nowMs: number): SluiceError {
  const ranges = request.ranges.map(({ from, to }) => `${from}-${to}`).join(', ');
  const own = Object.keys(reserved).length;
  const rests = Object.values(resting).filter((at) => isResting(at, nowMs)).length;
  return new SluiceError('conflict', `no port is free on ${request.ip}`, {
    why: `in ${ranges || 'no range'}: ${own} are other instances', ${rests} rest after use, the others somebody listens on`,
    fix: "widen the template's port range, or the node's policy",
    details: { ip: request.ip, ranges },
  });
}

/** Finds free ports by a look at what is bound that is at most a second old: a look costs 4 ms, and no port is taken that cannot be bound. */
function createFinder(): (request: PortRequest, book: Book, nowMs: number) => Promise<number> {
  let seen: Taken | undefined;
  return async (request, book, nowMs) => {
    const isOld = seen === undefined || Math.abs(nowMs - seen.atMs) > TAKEN_MS;
    const recent = isOld || seen === undefined ? { atMs: nowMs, ports: boundPorts() } : seen;
    seen = recent;
    const found = await freePort(request, book, { ...recent, atMs: nowMs });
    if (found !== undefined) return found;
    seen = { atMs: nowMs, ports: boundPorts() };
    const port = isOld ? undefined : await freePort(request, book, seen);
    if (port === undefined) throw noFreePort(request, book, nowMs);
    return port;
  };
}

/**
 * Opens the book.
 * @throws SluiceError `failed`, `permission` if its file cannot be read
 */
export async function openPortBook(file: string, clock: Pick<Clock, 'now'>): Promise<PortBook> {
  await mkdir(path.dirname(file), { recursive: true, mode: 0o700 });
  let book = parseBook(await readBounded(file));
  const turns = createTurns();
  const find = createFinder();
  const save = async (next: Book): Promise<void> => {
    await writeAtomic(file, `${JSON.stringify(next)}\n`);
    book = next;
  };
  const stillResting = (): Book['resting'] => {
    const nowMs = clock.now().getTime();
    return Object.fromEntries(Object.entries(book.resting).filter(([, at]) => isResting(at, nowMs)));
  };
  return {
    reserve: (request) =>
      turns.take('book', async () => {
        const own = book.reserved[request.id];
        if (own !== undefined && inRanges(own, request.ranges)) return own;
        const port = await find(request, book, clock.now().getTime());
        await save({ reserved: { ...book.reserved, [request.id]: port }, resting: stillResting() });
        return port;
      }),
    isFree: canListen,
    release: (id) =>
      turns.take('book', async () => {
        const { [id]: port, ...reserved } = book.reserved;
        if (port === undefined) return;
        await save({ reserved, resting: { ...stillResting(), [port]: clock.now().toISOString() } });
      }),
    reserved: () => new Map(Object.entries(book.reserved)),
  };
}

/**
 * What is doubtful about a range on this node, one line; undefined if nothing is.
 * @param localRange text of net.ipv4.ip_local_port_range: outgoing connections take ports of it
 */
export function portRangeWarning(
  { from, to }: PortRange,
  localRange = readKernelFile('/proc/sys/net/ipv4/ip_local_port_range') ?? '',
): string | undefined {
  const [low = Number.NaN, high = Number.NaN] = localRange.split(/\s+/).map(Number);
  if (!(from <= high && to >= low)) return undefined;
  return `ports ${from}-${to} meet ${low}-${high}, from which outgoing connections take theirs (net.ipv4.ip_local_port_range)`;
}
