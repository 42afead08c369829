/** Owns the nine scenarios by which ways to spread connections are compared, and three more of which figures are kept. */
import { exponential, logNormal, pareto } from './random.ts';
import type { Incident, Scenario } from './scenario.ts';
import type { ServerTraits } from './server.ts';

const SHORT = 0.05;
const UNEVEN = [{ speed: 1 }, { speed: 1 }, { speed: 0.5 }];
const EIGHT_CORES = [
  { speed: 8, cores: 8 },
  { speed: 8, cores: 8 },
  { speed: 4, cores: 8 },
];
const FOUR_CORES = [
  { speed: 4, cores: 4 },
  { speed: 4, cores: 4 },
  { speed: 2, cores: 4 },
];
const twoJoin = (server: ServerTraits = { speed: 1 }, at = 300): readonly Incident[] => [
  { at, kind: 'join', server },
  { at, kind: 'join', server },
];

/** The nine; S3 is the one in which the time to settle counts. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'S1',
    title: 'short connections, log-normal 50 ms, speeds 1 : 1 : .5, load .8',
    servers: UNEVEN,
    rate: () => (2.5 * 0.8) / SHORT,
    size: logNormal(SHORT),
    longPart: 0,
    endsAt: 900,
    window: [200, 900],
  },
  {
    name: 'S1p',
    title: 'the same, bounded Pareto',
    servers: UNEVEN,
    rate: () => (2.5 * 0.8) / SHORT,
    size: pareto(SHORT),
    longPart: 0,
    endsAt: 900,
    window: [200, 900],
  },
  {
    name: 'S2',
    title: 'short connections, load 1.05 for 60 s, then 3 → 5 instances',
    servers: UNEVEN,
    rate: (at) => (2.5 * (at < 240 ? 0.8 : 1.05)) / SHORT,
    size: logNormal(SHORT),
    longPart: 0,
    incidents: twoJoin(),
    endsAt: 600,
    window: [300, 420],
  },
  {
    name: 'S3',
    title: 'long connections (300 s, one request a second), 3 → 5 instances, load .87 → .48',
    servers: UNEVEN,
    rate: () => 1,
    size: exponential(0.0073),
    longPart: 1,
    life: exponential(300),
    pauseSeconds: 1,
    preload: 300,
    incidents: twoJoin(),
    endsAt: 1_500,
    window: [300, 600],
  },
  {
    name: 'S5',
    title: 'short connections, one instance at .4 of its speed for 300 s, load .65 → .85',
    servers: UNEVEN,
    rate: () => (2.5 * 0.65) / SHORT,
    size: logNormal(SHORT),
    longPart: 0,
    incidents: [
      { at: 300, kind: 'speed', index: 0, speed: 0.4 },
      { at: 600, kind: 'speed', index: 0, speed: 1 },
    ],
    endsAt: 900,
    window: [300, 600],
  },
  {
    name: 'S6',
    title: '90 % short, 10 % long (60 s, a request each 2 s), 3 → 5 instances, load .85 → .47',
    servers: UNEVEN,
    rate: () => 10.5,
    size: logNormal(SHORT),
    longPart: 0.1,
    life: exponential(60),
    pauseSeconds: 2,
    incidents: twoJoin(),
    endsAt: 700,
    window: [300, 360],
  },
  {
    name: 'S7',
    title: 'requests of 1 s, 8 cores, speeds 8 : 8 : 4, 3 → 5 instances, load .9 → .5',
    servers: EIGHT_CORES,
    rate: () => 20 * 0.9,
    size: logNormal(1),
    longPart: 0,
    incidents: twoJoin({ speed: 8, cores: 8 }),
    endsAt: 700,
    window: [300, 420],
  },
  {
    name: 'S8',
    title: 'short connections, 4 cores, speeds 4 : 4 : 2, load .85',
    servers: FOUR_CORES,
    rate: () => (10 * 0.85) / SHORT,
    size: logNormal(SHORT),
    longPart: 0,
    endsAt: 500,
    window: [150, 500],
  },
  {
    name: 'S9',
    title: 'connections of 5 s (4 requests a second, 30 ms), 3 → 5 instances, load .85 → .47',
    servers: UNEVEN,
    rate: () => 3.6,
    size: exponential(0.03),
    longPart: 1,
    life: exponential(5),
    pauseSeconds: 0.25,
    preload: 18,
    incidents: twoJoin(),
    endsAt: 700,
    window: [300, 360],
  },
];

/** What is kept an eye on besides. */
export const MORE_SCENARIOS: readonly Scenario[] = [
  {
    name: 'in',
    title: 'long connections (300 s), 5 → 3 instances: those of two come again at once',
    servers: [...UNEVEN, { speed: 1 }, { speed: 1 }],
    rate: () => 1,
    size: exponential(0.0073),
    longPart: 1,
    life: exponential(300),
    pauseSeconds: 1,
    preload: 300,
    incidents: [
      { at: 300, kind: 'leave', index: 3 },
      { at: 300, kind: 'leave', index: 4 },
    ],
    endsAt: 600,
    window: [300, 600],
  },
  {
    name: 'cold',
    title:
      'short connections, 3 → 4 instances, the new one at .2 of its speed for 300 requests, load .8 → .57',
    servers: UNEVEN,
    rate: () => (2.5 * 0.8) / SHORT,
    size: logNormal(SHORT),
    longPart: 0,
    incidents: [{ at: 300, kind: 'join', server: { speed: 1, coldRequests: 300 } }],
    endsAt: 360,
    window: [300, 330],
  },
];
