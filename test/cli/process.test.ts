import { spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

// Processes start slowly on a loaded machine.
vi.setConfig({ testTimeout: 30_000 });

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
let folder = '';
let metafile: Metafile = { inputs: {}, outputs: {} };

/** The bundle as bin/setup/build.js makes it, but packages stay outside: what is tested here loads none but commander. */
beforeAll(async () => {
  folder = await mkdtemp(path.join(ROOT, 'node_modules', '.sluice-cli-test-'));
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: ['src/main.ts'],
    outdir: folder,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    packages: 'external',
    outExtension: { '.js': '.mjs' },
    metafile: true,
    logLevel: 'silent',
  });
  metafile = result.metafile;
}, 60_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program; `act` gets the running process. */
async function program(
  argv: readonly string[],
  act: (child: ReturnType<typeof spawn>) => void = () => {},
): Promise<Ended> {
  const child = spawn(process.execPath, [path.join(folder, 'main.mjs'), ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: folder, TMPDIR: tmpdir() },
  });
  const text = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (text.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (text.stderr += chunk.toString()));
  act(child);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, ...text };
}

/** Files and packages that are loaded before any command runs: the static imports of the entry, transitively. */
function loadedAtStart(): { readonly inputs: readonly string[]; readonly packages: readonly string[] } {
  const outputs = metafile.outputs;
  const entry = Object.keys(outputs).find((name) => name.endsWith('/main.mjs')) ?? '';
  const seen = new Set<string>();
  const packages = new Set<string>();
  const visit = (name: string): void => {
    if (seen.has(name)) return;
    seen.add(name);
    for (const { path: target, kind, external } of outputs[name]?.imports ?? []) {
      if (kind === 'dynamic-import') continue;
      if (external === true) packages.add(target);
      else visit(target);
    }
  };
  visit(entry);
  const inputs = [...seen].flatMap((name) => Object.keys(outputs[name]?.inputs ?? {}));
  return { inputs, packages: [...packages].filter((name) => !name.startsWith('node:')) };
}

describe('the process', () => {
  it('loads no package but commander, and no body, before a command runs', () => {
    const { inputs, packages } = loadedAtStart();
    expect(packages).toEqual(['commander']);
    const heavy =
      /^src\/(ops|store|agent|dev|dataplane|rules|balance|plan)\/|^src\/cli\/(run|output\/(?!format))/;
    expect(inputs.filter((name) => heavy.test(name))).toEqual([]);
    expect(inputs).toContain('src/cli/commands/publish.ts');
  });

  it('prints help and ends with 0', async () => {
    expect(await program(['--help'])).toMatchObject({ code: 0, stderr: '' });
  });

  it('ends with the code of the failure, and nothing on stdout', async () => {
    const { code, stdout, stderr } = await program(['lst']);
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' });
    expect(stderr).toContain('did you mean list or ls?');
  });

  it('ends quietly with 0 when nobody reads stdout any more', async () => {
    const ended = await program(['--help'], (child) => child.stdout?.destroy());
    expect(ended).toMatchObject({ code: 0, stderr: '' });
  });

  it('goes on when nobody reads stderr any more', async () => {
    const ended = await program(['lst'], (child) => child.stderr?.destroy());
    expect(ended.code).toBe(64);
  });
});

describe('signals', () => {
  let silent: Server | undefined;
  let port = 0;
  /** A store that takes connections and never answers. */
  beforeAll(async () => {
    silent = createServer(() => {});
    await new Promise<void>((resolve) => silent?.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    port = typeof address === 'object' && address !== null ? address.port : 0;
  });
  afterAll(() => {
    silent?.close();
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('of kind %s end a command that reads at once', async (signal, expected) => {
    const argv = ['list', '-w', '--endpoints', `http://127.0.0.1:${port}`];
    const ended = await program(argv, (child) => {
      // The store has been asked: the command runs and has its handlers.
      silent?.once('connection', () => child.kill(signal));
    });
    expect(ended.code).toBe(expected);
    expect(ended.stdout).toBe('');
  });
});

describe('the shim', () => {
  it('says how to build where nothing is built', async () => {
    const bare = path.join(folder, 'bare');
    await mkdir(path.join(bare, 'bin'), { recursive: true });
    await copyFile(path.join(ROOT, 'bin/sluice.js'), path.join(bare, 'bin/sluice.mjs'));
    const child = spawn(process.execPath, [path.join(bare, 'bin/sluice.mjs'), 'list']);
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code).toBe(78);
    expect(stderr).toContain('fix: npm run build');
  });

  it('answers --version from package.json without the bundle', async () => {
    const { version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
    const child = spawn(process.execPath, [path.join(ROOT, 'bin/sluice.js'), '--version']);
    let stdout = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect({ code, stdout }).toEqual({ code: 0, stdout: `sluice ${version}\n` });
  });
});
