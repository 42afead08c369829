/** Owns joining the supervisor with this machine: drivers, the node's policy, ports, probes, hooks, connections of src/runtime. */
import { realpath } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { DriverName, Probe } from '../../model/template.ts';
import { openConnections } from '../../runtime/connections.ts';
import type { StartOrder } from '../../runtime/driver.ts';
import { userOf } from '../../runtime/launch/identity.ts';
import type { Launch } from '../../runtime/launch/launch.ts';
import { runAs } from '../../runtime/launch/run-as.ts';
import { ID_VARIABLE } from '../../runtime/own-variables.ts';
import { openPolicyFile } from '../../runtime/policy/load-policy.ts';
import { type NodePolicy, openNodePolicy } from '../../runtime/policy/node-policy.ts';
import { openPortBook } from '../../runtime/ports.ts';
import { openAcceptQueues } from '../../runtime/probe/accept-queues.ts';
import { probe } from '../../runtime/probe/probe.ts';
import { isMute } from '../../runtime/probe/tcp.ts';
import type { Edges } from './edges.ts';
import { openDrivers } from './open-drivers.ts';
import { expandProbe, expandWords, orderOf, valuesOf } from './prepare.ts';
import { whyText } from './words.ts';

/** What joining needs. */
export interface OpenEdgesOptions {
  readonly node: string;
  readonly stateDir: string;
  /** The node's policy; read anew at every start. */
  readonly policyFile: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** The edges, and what this node can be asked to run. */
export interface OpenedEdges {
  readonly edges: Edges;
  /** Drivers that work here and that the policy allows. */
  readonly offered: readonly DriverName[];
  /** Others that there are, `NAME: why`. */
  readonly missing: readonly string[];
}

/** How a program beside an instance is run (a probe, a hook): as the instance, without its control groups; beside a container on the node, in `/`. */
async function launchOf(policy: NodePolicy, order: StartOrder, words: readonly string[]): Promise<Launch> {
  const { limits, image } = order;
  const workingDirectory = image === undefined ? order.workingDirectory : '/';
  const env = { ...order.env, [ID_VARIABLE]: order.id };
  return {
    command: await policy.admitCommand(words, order.env),
    env,
    workingDirectory: await realpath(workingDirectory),
    user: await userOf(order.user),
    files: limits.files,
    cgroups: [],
  };
}

/** Drivers that the policy allows now; none without a policy. */
async function allowedBy(policy: NodePolicy, log: Log): Promise<readonly DriverName[]> {
  try {
    return (await policy.load()).drivers;
  } catch (error) {
    log.info('this node runs no instances', { why: whyText(error) });
    return [];
  }
}

/**
 * Opens everything.
 * @throws SluiceError `failed`, `permission` if the book of ports cannot be read
 */
export async function openEdges(options: OpenEdgesOptions): Promise<OpenedEdges> {
  const { node, stateDir, policyFile, clock, log } = options;
  const book = await openPortBook(path.join(stateDir, 'ports.json'), clock);
  const policy = openNodePolicy({
    load: openPolicyFile(policyFile),
    countOthers: (id) => [...book.reserved().keys()].filter((other) => other !== id).length,
  });
  const opened = await openDrivers({ stateDir, admit: policy.admit, clock, log });
  const connections = openConnections();
  const queues = openAcceptQueues(clock);
  const asked = new WeakMap<StartOrder, Probe>();
  const probeOf = (template: { readonly probe: Probe }, order: StartOrder): Probe => {
    const known = asked.get(order);
    if (known !== undefined) return known;
    const expanded = expandProbe(template.probe, valuesOf(node, order));
    asked.set(order, expanded);
    return expanded;
  };
  const askProgram = async (
    question: Extract<Probe, { readonly kind: 'exec' }>,
    order: StartOrder,
    bounds: Parameters<Edges['ask']>[1],
  ): ReturnType<Edges['ask']> => {
    try {
      const launch = await launchOf(policy, order, question.command);
      return await probe(question, order, { ...bounds, queues, launch });
    } catch (error) {
      return { well: false, why: whyText(error) };
    }
  };
  const edges: Edges = {
    drivers: opened.drivers,
    expected: opened.expected,
    prepare: async (start) => await orderOf(start, { policy: await policy.load(), book }),
    release: async ({ id }) => await book.release(id),
    ask: ({ assignment, order }, bounds) => {
      const question = probeOf(assignment.template, order);
      if (question.kind === 'exec') return askProgram(question, order, bounds);
      return probe(question, order, { ...bounds, queues });
    },
    looksWell: ({ assignment: { template }, order }, maxAgeMs) =>
      template.probe.kind === 'tcp' && isMute(template.probe) && queues.areEmpty(order, maxAgeMs),
    isHalted: ({ assignment, order }) =>
      opened.drivers.get(assignment.template.driver)?.isHalted?.(order.id) ?? false,
    runHook: async ({ assignment, order }, signal) => {
      const { preStop } = assignment.template;
      if (preStop === undefined) return undefined;
      const launch = await launchOf(policy, order, expandWords(preStop.command, valuesOf(node, order)));
      const timeoutMs = preStop.timeoutSeconds * 1_000;
      const { code, timedOut, output } = await runAs(launch, { timeoutMs, signal });
      if (code === 0) return undefined;
      const how = timedOut ? `no end within ${preStop.timeoutSeconds}s` : `exit code ${code ?? 'unknown'}`;
      return output === '' ? how : `${how}: ${output}`;
    },
    countConnections: connections.count,
    resetConnections: async (address) => void (await connections.reset(address)),
    close: opened.close,
  };
  const allowed = await allowedBy(policy, log);
  const refused = opened.expected.filter((name) => !allowed.includes(name));
  return {
    edges,
    offered: opened.expected.filter((name) => allowed.includes(name)),
    missing: [
      ...refused.map((name) => `${name}: the node's policy does not allow it`),
      ...[...opened.absent].map(([name, why]) => `${name}: ${why}`),
    ],
  };
}
