/** Tests the words of transient units, and reading what systemctl says of them. */
import { describe, expect, it } from 'vitest';
import { parseState, parseVersion, runArguments, type Unit } from '../../../src/runtime/systemd/unit.ts';

const UNIT: Unit = {
  name: 'sluice-0123456789ab-web-1.service',
  description: 'sluice instance, start 00',
  limits: {},
  files: { stdin: '/s/order', stdout: '/s/stdout.log', stderr: '/s/stderr.log' },
  launcher: ['/usr/bin/perl', '-e', 'print $0, "%h"'],
  atExit: ['/bin/sh', '-c', 'echo "$1" \\\nend', '/s/a "b" %i'],
};
const propertiesOf = (unit: Unit): readonly string[] => {
  const words = runArguments(unit);
  return words.filter((_, at) => words[at - 1] === '-p');
};

describe('a transient unit', () => {
  it('is named, never restarted by systemd, forgotten after its end', () => {
    const words = runArguments(UNIT);
    expect(words).toContain('--unit=sluice-0123456789ab-web-1.service');
    expect(propertiesOf(UNIT)).toEqual(
      expect.arrayContaining([
        'Type=exec',
        'Restart=no',
        'CollectMode=inactive-or-failed',
        'StandardInput=file:/s/order',
        'StandardOutput=append:/s/stdout.log',
        'StandardError=append:/s/stderr.log',
        'TasksMax=infinity',
      ]),
    );
  });

  it('has its launcher after everything else, with nothing that systemd would expand', () => {
    expect(runArguments(UNIT).slice(-4)).toEqual(['--', '/usr/bin/perl', '-e', 'print $$0, "%h"']);
  });

  it('quotes the words of its last command', () => {
    expect(propertiesOf(UNIT).at(-1)).toBe(
      'ExecStopPost="/bin/sh" "-c" "echo \\"$$1\\" \\\\\\nend" "/s/a \\"b\\" %i"',
    );
  });

  it('has the limits of the order', () => {
    const limits = { cpu: 0.125, memoryBytes: 1_048_576, pids: 5, files: 99 };
    expect(propertiesOf({ ...UNIT, limits })).toEqual(
      expect.arrayContaining([
        'CPUQuota=12.5%',
        'MemoryMax=1048576',
        'MemorySwapMax=0',
        'TasksMax=5',
        'LimitNOFILE=99',
      ]),
    );
  });
});

const show = (load: string, active: string, pid: number): string =>
  `MainPID=${pid}\nDescription=a=b\nLoadState=${load}\nActiveState=${active}\n`;

describe('what systemctl says', () => {
  it.each([
    ['loaded', 'active', 7, 'running'],
    ['loaded', 'active', 0, 'changing'],
    ['loaded', 'activating', 7, 'changing'],
    ['loaded', 'deactivating', 0, 'changing'],
    ['loaded', 'inactive', 0, 'over'],
    ['loaded', 'failed', 0, 'over'],
    ['not-found', 'inactive', 0, 'gone'],
    ['', '', 0, 'gone'],
  ])('of a unit that is %s, %s, pid %i: %s', (load, active, pid, kind) => {
    expect(parseState(show(load, active, pid))).toEqual({ kind, description: 'a=b', mainPid: pid });
  });

  it('of its version', () => {
    expect(parseVersion('systemd 252 (252.38-1~deb12u1)\n+PAM')).toBe(252);
    expect(parseVersion('busybox')).toBeUndefined();
  });
});
