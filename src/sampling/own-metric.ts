/**
 * Owns asking for one number of the admin's own: a program, run as this node's policy allows, or an address. What it answers is a number or
 * nothing; nothing of it is shown or kept.
 */
import { SluiceError } from '../errors.ts';
import { parseMetricValue, type ScalingMetric } from '../model/policy-scaling.ts';
import { quoteValue } from '../model/text.ts';
import { userOf } from '../runtime/launch/identity.ts';
import { LAUNCH_ENV } from '../runtime/launch/launch.ts';
import { runAs } from '../runtime/launch/run-as.ts';
import { openPolicyFile } from '../runtime/policy/load-policy.ts';
import { type NodePolicy, openNodePolicy } from '../runtime/policy/node-policy.ts';

/** A metric that is asked for. */
export type OwnMetric = Extract<ScalingMetric, { kind: 'exec' | 'http' }>;

/**
 * Asks once.
 * @throws SluiceError `permission` if the node's policy does not allow the program, `failed` if no number came in time
 */
export type ReadMetric = (metric: OwnMetric, signal: AbortSignal) => Promise<number>;

/** Bytes of an answer that are looked at: a number is shorter. */
const MOST_BYTES = 128;

const noNumber = (why: string): SluiceError =>
  new SluiceError('failed', 'the metric gave no number', {
    why,
    fix: 'it must give one decimal number in time',
  });

function numberOf(text: string): number {
  const value = parseMetricValue(text);
  if (value === undefined) throw noNumber(`it gave ${quoteValue(text.slice(0, 40))}`);
  return value;
}

/** The user that programs run as whom no order names one. @throws SluiceError `permission` */
async function metricUser(policy: NodePolicy): ReturnType<typeof userOf> {
  const { defaultUser, allowRoot } = await policy.load();
  const fix = 'name a defaultUser in the policy file of every node that runs sluice monitor';
  if (defaultUser === undefined)
    throw new SluiceError('permission', "the node's policy names no user for a metric", {
      why: 'rule defaultUser is missing',
      fix,
    });
  const user = await userOf(defaultUser);
  if (user.uid !== 0 || allowRoot) return user;
  throw new SluiceError('permission', "the node's policy allows no metric as root", {
    why: 'rule allowRoot is false',
    fix,
  });
}

async function readProgram(
  policy: NodePolicy,
  { command, timeoutSeconds }: Extract<OwnMetric, { kind: 'exec' }>,
  signal: AbortSignal,
): Promise<number> {
  const launch = {
    command: await policy.admitCommand(command, LAUNCH_ENV),
    env: LAUNCH_ENV,
    workingDirectory: '/',
    user: await metricUser(policy),
    files: undefined,
    cgroups: [],
  };
  const { code, timedOut, output } = await runAs(launch, { timeoutMs: timeoutSeconds * 1_000, signal });
  if (timedOut) throw noNumber(`it ran longer than ${timeoutSeconds} s`);
  if (code !== 0) throw noNumber(`it ended with ${code === undefined ? 'a signal' : `exit code ${code}`}`);
  return numberOf(output);
}

/** The first bytes of an answer as text. */
async function startOf(body: ReadableStream<Uint8Array> | null): Promise<string> {
  let text = '';
  if (body === null) return text;
  const decoder = new TextDecoder();
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MOST_BYTES) break;
  }
  return text;
}

async function readAddress(
  { url, timeoutSeconds }: Extract<OwnMetric, { kind: 'http' }>,
  signal: AbortSignal,
): Promise<number> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(timeoutSeconds * 1_000)]);
  let text: string;
  try {
    const answer = await fetch(url, {
      signal: bounded,
      redirect: 'error',
      headers: { accept: 'text/plain' },
    });
    if (answer.status !== 200) {
      await answer.body?.cancel();
      throw noNumber(`it answered HTTP ${answer.status}`);
    }
    text = await startOf(answer.body);
  } catch (error) {
    if (error instanceof SluiceError) throw error;
    throw noNumber(bounded.aborted ? `no answer within ${timeoutSeconds} s` : 'it cannot be reached');
  }
  return numberOf(text);
}

/** Opens reading metrics on this node. @param policyFile read at each run of a program */
export function openMetricReader(policyFile: string): ReadMetric {
  const policy = openNodePolicy({ load: openPolicyFile(policyFile), countOthers: () => 0 });
  return async (metric, signal) =>
    metric.kind === 'exec' ? readProgram(policy, metric, signal) : readAddress(metric, signal);
}
