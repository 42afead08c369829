/**
 * Owns completing package-lock.json (`npm run lockfile`): npm leaves out optional packages for other platforms where a
 * registry does not serve them, and then `npm ci` refuses the lockfile everywhere.
 */
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * @typedef {{ version?: string, cpu?: string[], dev?: boolean, libc?: string[], optional?: boolean, os?: string[], optionalDependencies?: Record<string, string> }} Entry
 * @typedef {{ packages: Record<string, Entry> }} Lockfile
 */

const LIBC = /-(?:gnu|gnueabihf)$/;
const MUSL = /-(?:musl|musleabihf)$/;

/**
 * Platform that a binding is for, by its name, e.g. @x/binding-linux-arm64-gnu.
 * @param {string} name of the package
 * @returns {Pick<Entry, 'os' | 'cpu' | 'libc'>}
 */
export function platformOf(name) {
  const match = /(aix|android|darwin|freebsd|linux|openharmony|openbsd|netbsd|sunos|win32)-([a-z0-9]+)/.exec(
    name,
  );
  if (match === null) throw new Error(`cannot tell the platform of ${name}: lock it by hand`);
  const [, os = '', cpu = ''] = match;
  const libc = os !== 'linux' ? [] : LIBC.test(name) ? ['glibc'] : MUSL.test(name) ? ['musl'] : [];
  return { os: [os], cpu: [cpu], ...(libc.length === 0 ? {} : { libc }) };
}

/**
 * Optional packages that are not locked though a locked package names them.
 * @param {Lockfile} lockfile package-lock.json
 * @returns {ReadonlyMap<string, string>} name → version, as its dependant asks for
 */
export function missingOptional({ packages }) {
  const wanted = Object.entries(packages).flatMap(([place, { optionalDependencies = {} }]) =>
    Object.entries(optionalDependencies).map(([name, version]) => ({ place, name, version })),
  );
  const missing = wanted.filter(
    ({ place, name }) =>
      !(`node_modules/${name}` in packages) && !(`${place}/node_modules/${name}` in packages),
  );
  return new Map(missing.map(({ name, version }) => [name, version]));
}

/**
 * @param {Lockfile} lockfile package-lock.json
 * @returns {Lockfile} the same with every optional package locked, in npm's order
 */
export function completed(lockfile) {
  const added = [...missingOptional(lockfile)].map(([name, version]) => {
    if (!/^\d+\.\d+\.\d+[-.\w]*$/.test(version))
      throw new Error(`${name} is asked for as ${version}: lock it by hand`);
    return /** @type {const} */ ([
      `node_modules/${name}`,
      { version, dev: true, optional: true, ...platformOf(name) },
    ]);
  });
  const entries = [...Object.entries(lockfile.packages), ...added];
  return {
    ...lockfile,
    packages: Object.fromEntries(entries.toSorted(([a], [b]) => a.localeCompare(b, 'en'))),
  };
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const file = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../package-lock.json');
  const lockfile = JSON.parse(await readFile(file, 'utf8'));
  await writeFile(file, `${JSON.stringify(completed(lockfile), undefined, 2)}\n`);
}
