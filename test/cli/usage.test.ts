import { describe, expect, it } from 'vitest';
import { EXIT_CODES } from '../../src/errors.ts';
import { cluster, run } from './run.ts';

const words = (text: string): readonly string[] => text.split(' ').filter((word) => word !== '');

describe('usage errors', () => {
  it.each([
    ['lst', "unknown command 'lst'", 'did you mean list or ls?'],
    ['list --otput json', "unknown option '--otput'", 'did you mean --output?'],
    ['publish web --entri 10.0.0.1:80', "unknown option '--entri'", 'did you mean --entry?'],
    ['list -o xml', "'xml' is invalid", 'sluice --help'],
    ['list things', "'things' is invalid", 'sluice list --help'],
    ['list services web', 'takes no service', 'sluice describe web'],
    ['describe', "missing required argument 'refs'", 'sluice describe --help'],
    ['version 1 2', 'too many arguments', 'sluice version --help'],
    ['instance', 'sluice instance needs a command', 'sluice instance add|set|remove'],
    ['instance ad web 1', "unknown command 'ad'", 'did you mean add?'],
    ['instance set web 10.0.1.1:80', 'says no weight', 'write 10.0.1.1:80=3'],
    ['-o json', 'sluice needs a command', 'sluice publish|'],
    ['list --timeout', 'argument missing', 'sluice --help'],
    ['help lisst', 'there is no help about "lisst"', 'did you mean sluice help list?'],
    ['list --columns nme', 'there is no column "nme"', 'did you mean name?'],
    ['list --sort-by agee', 'there is no column "agee"', 'did you mean age?'],
    ['agent --once --print-rules', 'exclude each other', 'give one of them'],
    ['verify --sample 0', '--sample 0 is no time at all', 'leave it out'],
    ['verify web --sample 0s', '--sample 0s is no time at all', 'write for example 30s'],
    ['verify --sample 5', '--sample: "5" is not a length of time', 'write 5s'],
    ['completion tcsh', "'tcsh' is invalid", 'sluice completion --help'],
  ])('of %j say what, why and fix, with 64', async (line, what, fix) => {
    const { code, stdout, stderr } = await run(words(line.replace('-o json', '-o table')));
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toMatch(/^error: .+ \[usage\]\n {2}why: .+\n {2}fix: .+\n$/);
    expect(stderr).toContain(what);
    expect(stderr).toContain(fix);
  });

  it.each(['lst -o json', '--output=json lst', '-ojson lst', 'lst --output json'])(
    'are one JSON object with %j',
    async (line) => {
      const { stderr, stdout, code } = await run(words(line));
      expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
      expect(JSON.parse(stderr)).toMatchObject({
        kind: 'Error',
        version: 1,
        code: 'usage',
        exitCode: 64,
        message: "unknown command 'lst'",
      });
    },
  );
});

describe('global flags', () => {
  it('work before and after the command, and joined with its own', async () => {
    const { sluice } = cluster();
    const flags = 'web --entry 10.96.0.10:80 --instance 10.0.1.11:8080';
    expect((await sluice(`-q publish ${flags}`)).stderr).toBe('');
    expect((await sluice(`publish ${flags} -q`)).stdout).toBe('');
    expect((await sluice('unpublish web -yq')).stderr).toBe('');
    expect(JSON.parse((await sluice('-o json list')).stdout)).toMatchObject({ kind: 'ServiceList' });
  });

  it('say more with -v', async () => {
    const { sluice } = cluster();
    const { stderr } = await sluice('publish web --entry 10.96.0.10:80 --instance 10.0.1.11:8080 -v');
    expect(stderr).toContain('request request-1\n');
  });
});

describe('bugs', () => {
  const broken = { openStore: async () => Promise.reject(new TypeError('no\nsuch thing')) };

  it('end with 70 and name a log file', async () => {
    const { code, stderr } = await run(['list'], { deps: broken });
    expect(code).toBe(EXIT_CODES.internal.exit);
    expect(stderr).toMatch(
      /^error: .+ \[internal\]\n {2}why: TypeError: no such thing\n {2}fix: .*\/tmp\/bug\.log\n$/,
    );
  });

  it('show their stack with --debug, also as JSON', async () => {
    expect((await run(['list', '--debug'], { deps: broken })).stderr).toMatch(/\n {4}at /);
    const json = JSON.parse((await run(['list', '--debug', '-o', 'json'], { deps: broken })).stderr);
    expect(json.stack).toMatch(/\n {4}at /);
  });
});

describe('colour', () => {
  // oxlint-disable-next-line no-control-regex
  const ESCAPE = /\u001b\[/;
  it.each([
    [true, [], { TERM: 'xterm' }, true],
    [true, [], { TERM: 'dumb' }, false],
    [true, [], { NO_COLOR: '1' }, false],
    [true, [], { NO_COLOR: '' }, true],
    [true, ['--color', 'never'], { FORCE_COLOR: '1' }, false],
    [true, [], { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    [false, [], {}, false],
    [false, [], { FORCE_COLOR: '1' }, true],
    [false, [], { FORCE_COLOR: '0' }, false],
    [false, ['--color', 'always'], { NO_COLOR: '1' }, true],
    [false, ['--color=always'], {}, true],
    [false, [], { FORCE_COLOR: '1', TERM: 'dumb' }, true],
  ])('of errors: terminal %j, flags %j, %j give %j', async (terminal, flags, env, colored) => {
    const { stderr } = await run(['lst', ...flags], { terminal, env });
    expect(ESCAPE.test(stderr)).toBe(colored);
  });

  it('of results follows stdout', async () => {
    const { sluice } = cluster();
    await sluice('publish web --entry 10.96.0.10:80');
    expect(ESCAPE.test((await sluice('list', { terminal: true })).stdout)).toBe(true);
    expect(ESCAPE.test((await sluice('list', { terminal: true, env: { NO_COLOR: '1' } })).stdout)).toBe(
      false,
    );
    expect(ESCAPE.test((await sluice('list')).stdout)).toBe(false);
  });
});
