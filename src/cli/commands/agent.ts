/** Owns the definitions of `agent` and `agent cleanup`. */
import type { Command } from 'commander';
import type { AskedLayout } from '../../dataplane/layout-choice.ts';
import type { LogFormat } from '../../host/log.ts';
import { type Define, finish, type Run } from '../define.ts';
import { agentOptions, figuresOption, stateDirOption } from '../options.ts';

/** Flags of `agent`. */
export interface AgentFlags {
  readonly node?: string | undefined;
  readonly stateDir?: string | undefined;
  readonly nodeIp?: readonly string[] | undefined;
  readonly label?: readonly string[] | undefined;
  readonly policy?: string | undefined;
  readonly dataplane?: AskedLayout | undefined;
  readonly logFormat?: LogFormat | undefined;
  readonly listen?: string | undefined;
  readonly once?: boolean | undefined;
  readonly printRules?: boolean | undefined;
}

/** Flags of `agent cleanup`. */
export interface CleanupFlags {
  readonly stateDir?: string | undefined;
  readonly instances?: boolean | undefined;
}

function defineCleanup(agent: Command, run: Run): void {
  const command = agent
    .command('cleanup')
    .summary('remove every rule, route and file of sluice from this node')
    .description(
      'Remove every rule, route and file of sluice from this node, and nothing else. The agent must be stopped; programs on ' +
        'this node that use entries lose them. Instances that run here are ended only with --instances.',
    )
    .addOption(stateDirOption())
    .option('--instances', 'end the instances that run on this node too');
  finish(command, {
    examples: [
      ['sluice agent cleanup', 'after the agent was stopped for good'],
      ['sluice agent cleanup --instances', 'with everything that sluice started here'],
      ['sluice agent cleanup -q && apt remove nodejs', 'in a script'],
    ],
  }).action(async () =>
    run(command, 'write', async (session) => {
      const { cleanupBody } = await import('../run/agent-cleanup.ts');
      return cleanupBody(session, command.opts<CleanupFlags>());
    }),
  );
}

/** `sluice agent` */
export const defineAgent: Define = (parent, run) => {
  const command = parent
    .command('agent')
    .summary('keep the rules and instances of this node as the store says')
    .description(
      "Keep this node's kernel rules and instances as the store says, until a signal. Rules and instances stay when it ends. " +
        'SIGHUP: read the kernel again.',
    );
  for (const option of agentOptions()) command.addOption(option);
  command
    .addOption(figuresOption())
    .option('--once', 'apply what the store says now, and end')
    .option('--print-rules', 'print the rules that the store asks for, and touch nothing');
  defineCleanup(command, run);
  finish(command, {
    examples: [
      ['sluice agent --endpoints http://10.0.0.1:2379', 'on every node, as root'],
      ['sluice agent --once -o json', 'apply once, for a program'],
      ['sluice agent --print-rules', 'what would be in the kernel'],
    ],
  }).action(async () =>
    run(command, 'write', async (session) => {
      const { agentBody } = await import('../run/agent.ts');
      return agentBody(session, command.opts<AgentFlags>());
    }),
  );
};
