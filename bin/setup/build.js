/**
 * Owns the build: src/main.ts and what it imports lazily, into one split ESM bundle under dist/, with the small programs that
 * `sluice dev` starts. Must not decide when to build (build-stamp.js does).
 */
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import path from 'node:path';
import { buildEtcdPackage, etcdPackage } from './etcd-package.js';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** CommonJS packages inside an ESM bundle need these names; esbuild does not define them. */
const COMMONJS_NAMES = [
  "import { createRequire as __createRequire } from 'node:module';",
  "import { fileURLToPath as __fileURLToPath } from 'node:url';",
  'const require = __createRequire(import.meta.url);',
  "const __filename = __fileURLToPath(import.meta.url), __dirname = __fileURLToPath(new URL('.', import.meta.url)).slice(0, -1);",
].join('');

/**
 * Builds dist/ anew: into a folder beside it first, then swapped, so that an interrupted build leaves the old one.
 * @returns {Promise<void>}
 */
export async function build() {
  const { build: bundle } = await import('esbuild');
  const { version } = JSON.parse(await readFile(path.join(ROOT, 'package.json'), 'utf8'));
  const fresh = path.join(ROOT, `.cache/dist-${process.pid}`);
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true });
  await buildEtcdPackage(ROOT, fresh);
  await bundle({
    entryPoints: {
      main: path.join(ROOT, 'src/main.ts'),
      'programs/instance': path.join(ROOT, 'src/dev/programs/instance.ts'),
      'programs/load': path.join(ROOT, 'src/dev/programs/load.ts'),
    },
    outdir: fresh,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    define: { SLUICE_VERSION: JSON.stringify(version) },
    banner: { js: COMMONJS_NAMES },
    plugins: [etcdPackage(ROOT)],
    logLevel: 'warning',
  });
  await writeFile(path.join(fresh, 'package.json'), '{"type":"module"}\n');
  const dist = path.join(ROOT, 'dist');
  const old = path.join(ROOT, `.cache/dist-old-${process.pid}`);
  await rename(dist, old).catch((/** @type {NodeJS.ErrnoException} */ error) => {
    if (error.code !== 'ENOENT') throw error;
  });
  await rename(fresh, dist);
  await rm(old, { recursive: true, force: true });
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url))
  await build();
