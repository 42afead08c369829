/** Owns the definitions of `monitor record` and `monitor replay`. */
import type { PolicyFlags } from '../../model/policy-flags.ts';
import { type Define, finish } from '../define.ts';
import { durationOption, policyFileOption, positiveDurationOption } from '../options.ts';
import { addScalingOptions } from './policy.ts';

/** Flags of `monitor record`. */
export interface RecordFlags {
  readonly to?: string | undefined;
  /** Milliseconds. */
  readonly for?: number | undefined;
  readonly every?: number | undefined;
  readonly maxSize?: string | undefined;
  readonly policy?: string | undefined;
}

/** Flags of `monitor replay`. */
export interface ReplayFlags extends PolicyFlags {
  readonly from?: string | undefined;
  readonly plot?: string | undefined;
  /** Milliseconds. */
  readonly startTime?: number | undefined;
}

/** `sluice monitor record` */
export const defineRecord: Define = (parent, run) => {
  const command = parent
    .command('record')
    .summary('write what is decided from into a file')
    .description(
      'Write samples, and the records of services whose weights or number follow load, into a file, one JSON object a line, until Ctrl-C ' +
        'or a bound. What is written stays readable whatever happens. Templates may hold secrets in their environment: only its owner can read it.',
    )
    .argument('[services...]', 'only these services')
    .requiredOption('--to <file>', 'file to write; it must not exist')
    .addOption(
      positiveDurationOption(
        '--for <time>',
        'no longer than this (default: 24h)',
        'write for example --for 1h',
      ),
    )
    .option('--max-size <size>', 'no more than this (default: 64MiB)')
    .addOption(durationOption('--every <time>', 'time between two lines, 500ms to 1m (default: 2s)'))
    .addOption(policyFileOption());
  finish(command, {
    examples: [
      ['sluice monitor record --to load.jsonl', 'until Ctrl-C'],
      ['sluice monitor record web --to web.jsonl --for 1h', 'one service, for an hour'],
      ['sluice monitor replay --from load.jsonl', 'what would be decided'],
    ],
  }).action(async (services: readonly string[]) =>
    run(command, 'write', async (session) => {
      const { recordBody } = await import('../run/monitor-record.ts');
      return recordBody(session, services, command.opts<RecordFlags>());
    }),
  );
};

/** `sluice monitor replay` */
export const defineReplay: Define = (parent, run) => {
  const command = parent
    .command('replay')
    .summary('decide again what was recorded')
    .description(
      'Take a recording through the decisions of the leader, with its time as the clock, and show them. With flags of a policy: what ' +
        'would have been decided with that one, the recorded load spread over the instances that there would have been. Needs no store.',
    )
    .argument('[services...]', 'only these services')
    .requiredOption('--from <recording>', 'file that monitor record wrote')
    .option('--plot <file>', 'also draw an SVG of instances and load over time')
    .addOption(durationOption('--start-time <time>', 'a new instance is ready after so long (default: 10s)'));
  addScalingOptions(command);
  finish(command, {
    examples: [
      ['sluice monitor replay --from load.jsonl --plot load.svg', 'what was or would have been decided'],
      ['sluice monitor replay web --from load.jsonl --cpu 50% --max 20', 'with another policy'],
      ['sluice monitor replay --from load.jsonl -o json', 'for programs'],
    ],
  }).action(async (services: readonly string[]) =>
    run(command, 'offline', async (session) => {
      const { replayBody } = await import('../run/monitor-replay.ts');
      return replayBody(session, services, command.opts<ReplayFlags>());
    }),
  );
};
