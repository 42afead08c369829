import { describe, expect, it } from 'vitest';
import type { Command } from 'commander';
import { globalOptions, variableOf } from '../../src/cli/options.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { EXEC_VARIABLES, ID_VARIABLE, RUN_VARIABLE } from '../../src/runtime/own-variables.ts';

const variablesOf = (command: Command): readonly string[] => [
  ...command.options.map(variableOf),
  ...command.commands.flatMap(variablesOf),
];

describe('variables of instances', () => {
  it('are those of no flag: a program that calls sluice must not set flags unknowingly', () => {
    const program = buildProgram(async () => {}, { write: () => {}, width: 100 });
    const flags = new Set([...variablesOf(program), ...globalOptions().map(variableOf)]);
    expect(flags).toContain('SLUICE_INSTANCE');
    const own = [ID_VARIABLE, RUN_VARIABLE, ...Object.values(EXEC_VARIABLES)];
    expect(own.filter((name) => flags.has(name))).toEqual([]);
    // What templates cannot set (model/template-rules.ts).
    expect(own.every((name) => name.startsWith('SLUICE_'))).toBe(true);
  });
});
