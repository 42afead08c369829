/**
 * Owns the programs that labs start as processes: bundled once before all tests (vitest's globalSetup), because Node 20
 * does not run TypeScript.
 */
import { build } from 'esbuild';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const FOLDER = path.join(ROOT, '.cache/test-bin');

const SOURCES = {
  load: `import './src/dev/programs/load.ts';`,
  instance: `import './src/dev/programs/instance.ts';`,
  hold: `import './test/cluster/harness/hold.ts';`,
  /** A lab of its own, to see what becomes of it when its maker dies. Prints `up INODE...`. */
  lab: `import { startLab } from './test/cluster/harness/lab.ts';
    const lab = await startLab({ nodes: 2, etcd: 1 });
    process.stdout.write('up ' + lab.nodes.map(({ ns }) => ns.inode).join(' ') + '\\n');
    process.stdin.resume();
    setInterval(() => undefined, 1000);`,
  /** Arguments: whether to be root of the machine, then what to run in a sandbox. */
  sandbox: `import { runInSandbox } from './src/dev/sandbox.ts';
    const [isRoot, ...argv] = process.argv.slice(2);
    process.exitCode = await runInSandbox({ argv, isRoot: isRoot === 'true', onTerminal: false });`,
} as const;

/** Name of a program for `programArgv`. */
export type ProgramName = keyof typeof SOURCES;

/** Command line of a program, without its own arguments. */
export function programArgv(name: ProgramName): readonly string[] {
  return [process.execPath, path.join(FOLDER, `${name}.mjs`)];
}

/** Builds all programs; called by vitest once a run. Renamed into place, so that runs at the same time do no harm. */
export async function setup(): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  await Promise.all(
    Object.entries(SOURCES).map(async ([name, contents]) => {
      const { outputFiles } = await build({
        stdin: { contents, resolveDir: ROOT, loader: 'ts' },
        bundle: true,
        write: false,
        format: 'esm',
        platform: 'node',
        target: 'node20.19',
        // execa, which nothing here calls, needs `require` at most
        banner: {
          js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
        },
      });
      const fresh = path.join(FOLDER, `.${name}-${process.pid}.mjs`);
      await writeFile(fresh, outputFiles[0]?.contents ?? '');
      await rename(fresh, path.join(FOLDER, `${name}.mjs`));
    }),
  );
}
