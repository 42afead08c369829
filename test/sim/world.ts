/** Owns the course of a simulation: instances, connections, requests and incidents in the order of their times. */
import { createHeap } from './heap.ts';
import { exponential, type Random, seededRandom } from './random.ts';
import type { Incident, Scenario } from './scenario.ts';
import { advance, connectionsOf, createServer, nextDone, type Server, startJob } from './server.ts';

/** Client nodes; each chooses for itself. */
export const CLIENTS = 5;

/** What a way to spread connections may see and do. */
export interface Fleet {
  /** All that ever were; those that are gone get nothing. */
  readonly servers: readonly Server[];
  /** Chance of choices; what arrives, and when, has its own, and is therefore the same for all ways to spread it. */
  readonly random: Random;
  readonly now: () => number;
  /** Does something some seconds from now. */
  readonly later: (seconds: number, act: () => void) => void;
}

/** A way to spread connections. */
export interface Spreader {
  /** The instance for a new connection of a client node. */
  readonly choose: (client: number) => Server;
  /** An instance came or is gone. */
  readonly changed?: () => void;
  /** How often it changed its mind, if it does. */
  readonly rewrites?: () => number;
}

/** How uneven connections were, each second. */
export interface Balance {
  readonly at: number;
  /** Largest connections ÷ speed over the mean of all; 1 = even. */
  readonly imbalance: number;
}

/** What happened. */
export interface Course {
  /** By end of the request: when it arrived, and how long it took. */
  readonly arrivals: readonly number[];
  readonly latencies: readonly number[];
  readonly balance: readonly Balance[];
  readonly rewrites: number;
}

interface World extends Fleet {
  readonly scenario: Scenario;
  readonly servers: Server[];
  readonly spreader: Spreader;
  readonly arrival: Random;
  readonly clock: { time: number };
  readonly plans: ReturnType<typeof createHeap<() => void>>;
  readonly course: { arrivals: number[]; latencies: number[]; balance: Balance[] };
}

/** Client node of a new connection. */
const someClient = ({ arrival }: World): number => Math.floor(arrival() * CLIENTS);

function openLong(world: World, server: Server, client: number): void {
  const { scenario, arrival } = world;
  server.longIdle += 1;
  server.ofClient[client] = (server.ofClient[client] ?? 0) + 1;
  world.later(scenario.life?.(arrival) ?? 0, () => {
    if (server.isGone) return;
    server.ofClient[client] = (server.ofClient[client] ?? 0) - 1;
    if (server.longIdle > 0) server.longIdle -= 1;
    else server.closing += 1;
  });
}

function connect(world: World): void {
  const { scenario, arrival } = world;
  const client = someClient(world);
  const server = world.spreader.choose(client);
  if (scenario.longPart === 1 || (scenario.longPart > 0 && arrival() < scenario.longPart)) {
    openLong(world, server, client);
    return;
  }
  server.short += 1;
  server.ofClient[client] = (server.ofClient[client] ?? 0) + 1;
  startJob(server, scenario.size(arrival), { arrivedAt: world.clock.time, client, isLong: false });
}

function finish(world: World, server: Server): void {
  const job = server.jobs.pop();
  if (job === undefined) return;
  server.served += 1;
  world.course.arrivals.push(job.arrivedAt);
  world.course.latencies.push(world.clock.time - job.arrivedAt);
  if (!job.isLong) {
    server.short -= 1;
    server.ofClient[job.client] = (server.ofClient[job.client] ?? 0) - 1;
    return;
  }
  server.longBusy -= 1;
  if (server.closing > 0) server.closing -= 1;
  else server.longIdle += 1;
}

/** One of all idle long connections asks for something. */
function ask(world: World, idle: number): void {
  let at = world.random() * idle;
  const server = world.servers.find((one) => !one.isGone && (at -= one.longIdle) < 0);
  if (server === undefined) return;
  server.longIdle -= 1;
  server.longBusy += 1;
  startJob(server, world.scenario.size(world.random), {
    arrivedAt: world.clock.time,
    client: 0,
    isLong: true,
  });
}

function join(servers: Server[], traits: Scenario['servers'][number], at: number): void {
  servers.push(createServer(servers.length, traits, { at, clients: CLIENTS }));
}

/** An instance ends with all that is in it; who had a long connection to it comes again. */
function leave(world: World, server: Server): void {
  const again = server.longBusy + server.longIdle - server.closing;
  server.isGone = true;
  Object.assign(server, { short: 0, longBusy: 0, longIdle: 0, closing: 0 });
  while (server.jobs.size() > 0) server.jobs.pop();
  world.spreader.changed?.();
  for (let one = 0; one < again; one += 1) {
    const client = someClient(world);
    openLong(world, world.spreader.choose(client), client);
  }
}

function happen(world: World, incident: Incident): void {
  if (incident.kind === 'join') {
    join(world.servers, incident.server, world.clock.time);
    world.spreader.changed?.();
    return;
  }
  const server = world.servers[incident.index];
  if (server === undefined) return;
  if (incident.kind === 'speed') server.speed = incident.speed;
  else leave(world, server);
}

function preload(world: World): void {
  const { servers, scenario } = world;
  const speed = servers.reduce((sum, server) => sum + server.speed, 0);
  for (const server of servers) {
    const count = Math.round(((scenario.preload ?? 0) * server.speed) / speed);
    for (let one = 0; one < count; one += 1) openLong(world, server, someClient(world));
  }
}

/** Notes how uneven connections are, every second. */
function measure(world: World): void {
  const present = world.servers.filter(({ isGone }) => !isGone);
  const connections = present.reduce((sum, server) => sum + connectionsOf(server), 0);
  const speed = present.reduce((sum, server) => sum + server.speed, 0);
  const most = Math.max(...present.map((server) => connectionsOf(server) / server.speed));
  const imbalance = connections === 0 ? 1 : (most * speed) / connections;
  world.course.balance.push({ at: world.clock.time, imbalance });
  world.later(1, () => measure(world));
}

/** The next thing that happens of itself: a new connection, a request that is done, a request on a long connection. */
function step(world: World, nextConnect: number): number {
  const { servers, scenario, random } = world;
  let [at, act] = [nextConnect, 'connect' as 'connect' | 'done' | 'ask' | 'plan'];
  let doneAt: Server | undefined;
  let idle = 0;
  for (const server of servers) {
    if (server.isGone) continue;
    const done = nextDone(server);
    if (done < at) [at, act, doneAt] = [done, 'done', server];
    idle += server.longIdle;
  }
  if (idle > 0) {
    // Pauses are exponential, so that it makes no difference to draw the next end of one anew each time.
    const asked = world.clock.time + (-Math.log(1 - random()) * (scenario.pauseSeconds ?? 1)) / idle;
    if (asked < at) [at, act] = [asked, 'ask'];
  }
  if (world.plans.least() <= at) [at, act] = [world.plans.least(), 'plan'];
  for (const server of servers) if (!server.isGone) advance(server, at);
  world.clock.time = at;
  if (act === 'plan') world.plans.pop()?.();
  else if (act === 'ask') ask(world, idle);
  else if (act === 'done' && doneAt !== undefined) finish(world, doneAt);
  else connect(world);
  return act === 'connect' ? at + exponential(1 / scenario.rate(at))(world.arrival) : nextConnect;
}

/** Runs a scenario to its end. Equal seeds, equal courses. */
export function simulate(scenario: Scenario, spread: (fleet: Fleet) => Spreader, seed: number): Course {
  const [random, arrival] = [seededRandom(seed * 7_919 + 13), seededRandom(seed * 104_729 + 7)];
  const clock = { time: 0 };
  const servers: Server[] = [];
  for (const traits of scenario.servers) join(servers, traits, 0);
  const plans = createHeap<() => void>();
  const later: Fleet['later'] = (seconds, act) => plans.push(clock.time + seconds, act);
  const fleet: Fleet = { servers, random, now: () => clock.time, later };
  const course: World['course'] = { arrivals: [], latencies: [], balance: [] };
  const world: World = {
    ...fleet,
    arrival,
    servers,
    scenario,
    clock,
    plans,
    course,
    spreader: spread(fleet),
  };
  preload(world);
  for (const incident of scenario.incidents ?? []) later(incident.at, () => happen(world, incident));
  later(1, () => measure(world));
  let nextConnect = 0;
  while (clock.time < scenario.endsAt) nextConnect = step(world, nextConnect);
  return { ...course, rewrites: world.spreader.rewrites?.() ?? 0 };
}
