/**
 * Owns how etcd3 gets into the build: as one CommonJS file with its protos parsed and its code compiled (etcd3 and grpc were more than
 * half of the time of a command that asks the store).
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { compile, run } from './cached-package.js';
import { warmUp } from './warm-up.js';

/** The file in dist/, and its exports that the program uses. */
const FILE = 'etcd3.cjs';
const EXPORTS = [
  { name: 'Etcd3', from: 'etcd3' },
  { name: 'noop', from: 'cockatiel' },
];

/**
 * etcd3 parses its .proto files when it is imported. Here they are parsed at build time: its loader is replaced by one that takes them from the
 * bundle.
 * @param {string} root of the working tree
 * @returns {import('esbuild').Plugin}
 */
function etcdProtos(root) {
  return {
    name: 'etcd-protos',
    setup(bundler) {
      bundler.onResolve({ filter: /^@grpc\/proto-loader$/ }, ({ importer }) =>
        importer.includes('/etcd3/') ? { path: path.join(root, 'bin/setup/etcd-services.js') } : undefined,
      );
      bundler.onResolve({ filter: /^sluice:etcd-protos$/ }, ({ path: name }) => ({
        path: name,
        namespace: 'protos',
      }));
      bundler.onLoad({ filter: /./, namespace: 'protos' }, async () => {
        const { default: protobuf } = await import('protobufjs/index.js');
        const protos = await new protobuf.Root().load(path.join(root, 'node_modules/etcd3/proto/rpc.proto'), {
          keepCase: true,
        });
        return { contents: JSON.stringify(protos.toJSON()), loader: 'json' };
      });
    },
  };
}

/**
 * Writes the package file and its code cache.
 * @param {string} root of the working tree
 * @param {string} folder to write to
 */
export async function buildEtcdPackage(root, folder) {
  const { build } = await import('esbuild');
  const file = path.join(folder, FILE);
  const exported = EXPORTS.map(({ name, from }) => `exports.${name} = require('${from}').${name};`).join('');
  await build({
    stdin: { contents: exported, resolveDir: root },
    outfile: file,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20.19',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    plugins: [etcdProtos(root)],
    logLevel: 'warning',
  });
  const script = compile(file, undefined);
  // What loading and calling need is compiled now, and goes into the cache.
  await warmUp(run(script, file));
  await writeFile(`${file}.cache`, script.createCachedData());
}

/**
 * Makes imports of etcd3 and cockatiel load the package file.
 * @param {string} root of the working tree
 * @returns {import('esbuild').Plugin}
 */
export function etcdPackage(root) {
  return {
    name: 'etcd-package',
    setup(bundler) {
      bundler.onResolve({ filter: /^(etcd3|cockatiel)$/ }, () => ({ path: FILE, namespace: 'etcd-package' }));
      bundler.onLoad({ filter: /./, namespace: 'etcd-package' }, () => ({
        // Chunks lie one folder below the package file.
        contents: `import { loadCached } from './cached-package.js';
          export const { ${EXPORTS.map(({ name }) => name).join(', ')} } = loadCached(new URL('../${FILE}', import.meta.url));`,
        resolveDir: path.join(root, 'bin/setup'),
      }));
    },
  };
}
