import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, type Option } from 'commander';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StoreSettings } from '../../src/cli/deps.ts';
import type { Environment } from '../../src/cli/io.ts';
import { apiServerOptions, figuresOption } from '../../src/cli/options.ts';
import { resolveOptions } from '../../src/cli/settings.ts';
import { createMemoryStore } from '../../src/store/memory/memory.ts';
import { run, type RunResult } from './run.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sluice-settings-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

const SYSTEM = [
  'endpoints: http://system:1',
  'prefix: /system/',
  'user: system',
  'cacert: /system.pem',
  'contexts:',
  '  prod: { endpoints: [http://prod:1, http://prod:2], prefix: /prod/, user: prod }',
  '',
].join('\n');

const API = 'contexts:\n  api: { server: [http://api:1], token-file: /api.token }\n';

interface Sources {
  readonly system?: string | undefined;
  readonly user?: string | undefined;
  readonly env?: Environment | undefined;
}

/** Runs `sluice list` with configuration files and gives the settings that the store was opened with. */
async function listWith(
  argv: readonly string[],
  sources: Sources = {},
): Promise<{ readonly result: RunResult; readonly opened: StoreSettings | undefined }> {
  const system = path.join(folder, 'system.yaml');
  const user = path.join(folder, 'user.yaml');
  await Promise.all([system, user].map(async (file) => rm(file, { force: true })));
  if (sources.system !== undefined) await writeFile(system, sources.system);
  if (sources.user !== undefined) await writeFile(user, sources.user);
  let opened: StoreSettings | undefined;
  const result = await run([...argv], {
    env: sources.env,
    deps: {
      configPaths: { system, user },
      openStore: async (settings) => {
        opened = settings;
        return createMemoryStore();
      },
    },
  });
  return { result, opened };
}

describe('settings', () => {
  const env = { SLUICE_ENDPOINTS: 'http://env:1,http://env:2', SLUICE_CONTEXT: 'prod' };
  it.each([
    ['the flag', ['list', '--endpoints', 'http://flag:1'], env, ['http://flag:1']],
    ['the flag before the command', ['--endpoints', 'http://flag:1', 'list'], env, ['http://flag:1']],
    ['the variable', ['list'], env, ['http://env:1', 'http://env:2']],
    ['the context', ['list', '--context', 'prod'], {}, ['http://prod:1', 'http://prod:2']],
    ['the file', ['list'], {}, ['http://system:1']],
    ['an empty variable counts as not set', ['list'], { SLUICE_ENDPOINTS: '' }, ['http://system:1']],
  ])('come from %s', async (_title, argv, variables, expected) => {
    const { opened } = await listWith(argv, { system: SYSTEM, env: variables });
    expect(opened?.endpoints).toEqual(expected);
  });

  it.each([
    ['the flag', ['list', '--server', 'a,b'], {}, ['a', 'b']],
    ['the variable', ['list'], { SLUICE_SERVER: 'a' }, ['a']],
    ['the context', ['list', '--context', 'api'], {}, ['http://api:1']],
    ['etcd by a stronger source', ['list', '--context', 'api', '--endpoints', 'http://x:1'], {}, undefined],
    ['etcd where nothing is said', ['list'], {}, undefined],
  ])('name API servers by %s', async (_title, argv, variables, expected) => {
    const { result, opened } = await listWith(argv, { system: SYSTEM, user: API, env: variables });
    expect(result.code).toBe(0);
    expect(opened?.servers).toEqual(expected);
    // Credentials of the other kind, from weaker sources, are not meant.
    const foreign = expected === undefined ? [opened?.tokenFile] : [opened?.user, opened?.prefix];
    expect(foreign.every((value) => value === undefined)).toBe(true);
  });

  it.each([
    [['list', '--server', 'a', '--endpoints', 'b'], {}],
    [['list'], { SLUICE_SERVER: 'a', SLUICE_ENDPOINTS: 'b' }],
  ])('refuse %j with %j, which name both', async (argv, variables) => {
    const { result } = await listWith(argv, { env: variables });
    expect(result).toMatchObject({ code: 78, stderr: expect.stringContaining('exclude each other') });
  });

  it('come each from its own strongest source', async () => {
    const { opened } = await listWith(['list', '--user', 'flag', '--context', 'prod'], {
      system: SYSTEM,
      env: { SLUICE_ENDPOINTS: 'http://env:1' },
    });
    expect(opened).toMatchObject({
      user: 'flag',
      endpoints: ['http://env:1'],
      prefix: '/prod/',
      cacert: '/system.pem',
    });
  });

  it("of one process come from no file: --listen in it is the API server's", async () => {
    const system = path.join(folder, 'listen.yaml');
    await writeFile(system, 'listen: 127.0.0.1:7070\n');
    const listenOf = async (option: Option, variables: Environment): Promise<unknown> => {
      const command = new Command('daemon').addOption(option);
      await resolveOptions(command, variables, { system, user: undefined });
      return command.opts()['listen'];
    };
    const [ofServer] = apiServerOptions();
    if (ofServer === undefined) throw new Error('the API server has no options');
    expect(await listenOf(ofServer, {})).toBe('127.0.0.1:7070');
    expect(await listenOf(figuresOption(), {})).toBeUndefined();
    expect(await listenOf(figuresOption(), { SLUICE_LISTEN: '9107' })).toBe('9107');
  });

  it('have defaults', async () => {
    const { opened } = await listWith(['list']);
    expect(opened).toMatchObject({ endpoints: ['http://127.0.0.1:2379'], prefix: undefined });
  });

  it("take the user's own context before the system's, and its current one", async () => {
    const user = 'current-context: prod\ncontexts:\n  prod:\n    prefix: /mine/\n';
    const { opened } = await listWith(['list'], { system: SYSTEM, user });
    expect(opened).toMatchObject({ prefix: '/mine/', endpoints: ['http://system:1'] });
  });

  it('are switches too: on and off, stronger sources first', async () => {
    const headers = 'NAME';
    const withEnv = async (text: string, argv: readonly string[] = ['list']): Promise<string> =>
      (await listWith(argv, { system: 'no-headers: true\n', env: { SLUICE_NO_HEADERS: text } })).result
        .stdout;
    expect(await withEnv('')).not.toContain(headers);
    expect(await withEnv('false')).toContain(headers);
    expect(await withEnv('true')).not.toContain(headers);
    const { result } = await listWith(['list'], { env: { SLUICE_OUTPUT: 'json' } });
    expect(JSON.parse(result.stdout)).toMatchObject({ kind: 'ServiceList' });
  });

  it.each([
    ['endpoint: x\n', ':1: unknown key "endpoint"', 'did you mean endpoints?'],
    ['user: a\noutput: xml\n', ':2', 'Allowed choices are table'],
    ['user: a\n\nquiet: perhaps\n', ':3', 'true or false'],
    ['timeout: soon\n', ':1', 'a length of time is'],
    ['endpoints: {a: b}\n', ':1', 'a value is text'],
    ['user: [\n', ':2: this is not YAML', ''],
    ['- a\n', ':1: not a mapping', ''],
    ['contexts: 3\n', ':1: contexts is not a mapping', ''],
    ['contexts:\n  a:\n    usr: b\n', ':3: unknown key "usr"', 'did you mean user?'],
    ['current-context: lab\n', 'there is no context "lab"', 'no configuration file has contexts'],
    ['yes: true\n', ':1: unknown key "yes"', ''],
  ])('end with 78 and the line on %j', async (system, what, why) => {
    const { result, opened } = await listWith(['list'], { system });
    expect(result.code).toBe(78);
    expect(opened).toBeUndefined();
    expect(result.stderr).toContain(what);
    expect(result.stderr).toContain(why);
    expect(result.stderr).toMatch(/^error: .+ \[config\]\n {2}why: .+\n {2}fix: .+\n$/);
  });

  it('end with 78 and the name of a variable that cannot be used', async () => {
    const { result } = await listWith(['list'], { env: { SLUICE_OUTPUT: 'xml' } });
    expect(result.code).toBe(78);
    expect(result.stderr).toContain('SLUICE_OUTPUT: "xml" cannot be used');
  });

  it('also decide how failures look', async () => {
    const { result } = await listWith(['describe', 'nosuch'], { system: 'output: json\n' });
    expect(result.code).toBe(4);
    expect(JSON.parse(result.stderr)).toMatchObject({ kind: 'Error', code: 'not-found' });
  });

  it('do not keep version and help from working', async () => {
    for (const argv of [['version'], ['help', 'exit-codes'], ['--help'], ['completion', 'bash']]) {
      const { result } = await listWith(argv, { system: 'nonsense: 1\n' });
      expect(result.code).toBe(0);
    }
  });
});
