/**
 * Owns a simulated instance: a processor-sharing queue on one or more cores. All requests in it progress alike, so one clock of work done for
 * each (`work`) says when the next one ends.
 */
import { createHeap, type Heap } from './heap.ts';

/** A request in service. */
export interface Job {
  readonly arrivedAt: number;
  /** Client node that sent it. */
  readonly client: number;
  /** It came on a connection that lives on. */
  readonly isLong: boolean;
}

/** An instance; all fields change. */
export interface Server {
  readonly id: number;
  /** Work a second, all cores together. */
  speed: number;
  /** As an admin knows it: at the start. */
  readonly declaredSpeed: number;
  readonly cores: number;
  isGone: boolean;
  /** Time up to which it is computed. */
  at: number;
  /** Work done for each request that was there all the time. */
  work: number;
  readonly jobs: Heap<Job>;
  /** Short connections, and long ones with and without a request now. */
  short: number;
  longBusy: number;
  longIdle: number;
  /** Long ones that close when their request is done. */
  closing: number;
  /** Of all connections, those of each client node. */
  readonly ofClient: number[];
  /** Core-seconds ÷ cores of work done; requests done; requests that a cold cache slows down. */
  busySeconds: number;
  served: number;
  coldRequests: number;
}

/** What a new instance is like. */
export interface ServerTraits {
  readonly speed: number;
  readonly cores?: number;
  /** So many requests are slow, a fifth of the speed at first. */
  readonly coldRequests?: number;
}

const COLD_SPEED = 0.2;

/** An idle instance. */
export function createServer(
  id: number,
  traits: ServerTraits,
  { at, clients }: { readonly at: number; readonly clients: number },
): Server {
  const { speed, cores = 1, coldRequests = 0 } = traits;
  return {
    id,
    speed,
    declaredSpeed: speed,
    cores,
    isGone: false,
    at,
    work: 0,
    jobs: createHeap<Job>(),
    short: 0,
    longBusy: 0,
    longIdle: 0,
    closing: 0,
    ofClient: Array.from({ length: clients }, () => 0),
    busySeconds: 0,
    served: 0,
    coldRequests,
  };
}

/** Established connections. */
export const connectionsOf = ({ short, longBusy, longIdle }: Server): number => short + longBusy + longIdle;

function speedOf({ speed, served, coldRequests }: Server): number {
  if (served >= coldRequests) return speed;
  return speed * (COLD_SPEED + ((1 - COLD_SPEED) * served) / coldRequests);
}

/** Computes up to a time. */
export function advance(server: Server, to: number): void {
  const seconds = to - server.at;
  const count = server.jobs.size();
  if (count > 0 && seconds > 0) {
    server.work += (seconds * speedOf(server)) / Math.max(count, server.cores);
    server.busySeconds += (seconds * Math.min(count, server.cores)) / server.cores;
  }
  server.at = to;
}

/** When its next request is done if nothing else happens. */
export function nextDone(server: Server): number {
  const count = server.jobs.size();
  if (count === 0) return Number.POSITIVE_INFINITY;
  const left = Math.max(0, server.jobs.least() - server.work);
  return server.at + (left * Math.max(count, server.cores)) / speedOf(server);
}

/** Starts a request of some size in work. */
export function startJob(server: Server, size: number, job: Job): void {
  server.jobs.push(server.work + size, job);
}
