/** Owns the definition of `monitor`. */
import { Option } from 'commander';
import type { LogFormat } from '../../host/log.ts';
import type { MonitorMode } from '../../monitor/options.ts';
import { type Define, finish } from '../define.ts';
import { defineRecord, defineReplay } from './monitor-recording.ts';
import {
  durationOption,
  figuresOption,
  logFormatOption,
  nodeOption,
  policyFileOption,
  positiveDurationOption,
  stateDirOption,
} from '../options.ts';

/** Flags of `monitor`. */
export interface MonitorFlags {
  readonly node?: string | undefined;
  readonly logFormat?: LogFormat | undefined;
  readonly listen?: string | undefined;
  readonly once?: boolean | undefined;
  readonly mode?: MonitorMode | undefined;
  /** Milliseconds. */
  readonly interval?: number | undefined;
  readonly stateDir?: string | undefined;
  readonly policy?: string | undefined;
  readonly lostAfter?: number | undefined;
}

/** `sluice monitor` */
export const defineMonitor: Define = (parent, run) => {
  const command = parent
    .command('monitor')
    .summary('keep managed services as they are wanted')
    .description(
      'Keep managed services as they are wanted: place, replace and remove instances. Run it on every node; one leads, and another takes ' +
        'over when that one is gone. Traffic needs none of them.',
    )
    .addOption(nodeOption())
    .addOption(
      new Option('--mode <mode>', 'do what is decided, or only record it (default: act)').choices([
        'act',
        'recommend',
      ]),
    )
    .addOption(
      durationOption('--interval <time>', 'time between two samples, and two looks, 1s to 5s (default: 2s)'),
    )
    .addOption(
      positiveDurationOption(
        '--lost-after <duration>',
        'start what ran on a silent node elsewhere after so long (default: 60s)',
        'a node whose agent is only restarted needs some seconds: --lost-after 30s',
      ),
    )
    .addOption(stateDirOption())
    .addOption(policyFileOption())
    .addOption(logFormatOption())
    .addOption(figuresOption())
    .option('--once', 'decide once, if no other monitor leads, and end');
  defineRecord(command, run);
  defineReplay(command, run);
  finish(command, {
    examples: [
      ['sluice monitor --endpoints http://10.0.0.1:2379', 'on every node'],
      ['sluice monitor --once -o json', 'decide once, for a program'],
      ['sluice monitor --mode recommend', 'say what would be done'],
    ],
  }).action(async () =>
    run(command, 'write', async (session) => {
      const { monitorBody } = await import('../run/monitor.ts');
      return monitorBody(session, command.opts<MonitorFlags>());
    }),
  );
};
