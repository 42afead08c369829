import { describe, expect, it } from 'vitest';
import { importsOf, packageOf, sourceFiles, type Import, type SourceFile } from './imports.ts';

/** What each top folder of src/ may import besides itself and errors.ts. `types` of any edge interface are allowed where listed. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  model: [],
  plan: ['model', 'balance'],
  balance: ['model'],
  rules: ['model', 'balance'],
  health: ['model', 'balance'],
  schedule: ['model', 'balance', 'health'],
  registry: ['model'],
  eureka: ['model', 'registry'],
  host: ['model'],
  runtime: ['model', 'host'],
  store: ['model', 'host'],
  dataplane: ['model', 'rules', 'host'],
  sampling: ['model', 'rules', 'store', 'dataplane', 'runtime', 'host'],
  ops: ['model', 'plan', 'balance', 'rules', 'health', 'store', 'host', 'version.ts'],
  agent: [
    'model',
    'balance',
    'rules',
    'health',
    'store',
    'dataplane',
    'runtime',
    'observe',
    'host',
    'version.ts',
  ],
  apiserver: ['model', 'plan', 'ops', 'registry', 'eureka', 'store', 'observe', 'host', 'version.ts'],
  monitor: [
    'model',
    'balance',
    'health',
    'schedule',
    'registry',
    'store',
    'sampling',
    'observe',
    'host',
    'version.ts',
  ],
  observe: ['host'],
  dev: [
    'model',
    'plan',
    'balance',
    'rules',
    'store',
    'dataplane',
    'host',
    'ops',
    'agent',
    'monitor',
    'version.ts',
  ],
  cli: [
    'model',
    'plan',
    'balance',
    'rules',
    'store',
    'host',
    'ops',
    'observe',
    'agent',
    'monitor',
    'runtime',
    'apiserver',
    'sampling',
    'dev',
    'dataplane',
    'version.ts',
  ],
  'main.ts': ['cli', 'host', 'store', 'version.ts'],
  'errors.ts': [],
  'version.ts': [],
};

/** Packages and the one place (path prefixes below src/) where each may be imported. */
const PACKAGE_PLACE: Readonly<Record<string, readonly string[]>> = {
  commander: ['cli/'],
  chalk: ['cli/color.ts'],
  ora: ['cli/progress.ts'],
  inquirer: ['cli/prompt.ts'],
  etcd3: ['store/etcd/'],
  cockatiel: ['store/etcd/'],
  execa: ['host/exec.ts'],
  yaml: ['model/spec-yaml.ts', 'cli/'],
  valibot: ['model/', 'store/api/', 'apiserver/rest/'],
  '@valibot/to-json-schema': ['apiserver/rest/openapi.ts'],
  'prom-client': ['observe/metric-set.ts'],
  pino: ['host/log.ts'],
  '@rgrove/parse-xml': ['eureka/read-xml.ts'],
};

const PURE = ['model', 'plan', 'balance', 'rules', 'health', 'schedule', 'registry', 'eureka'];

/** What makes code impure: clock, randomness, process, timers, console. */
const IMPURE =
  /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bset(?:Timeout|Interval|Immediate)\b|\bperformance\.|\bconsole\.|\brandomBytes\b|\brandomUUID\b/;

const files = sourceFiles();
const imports: readonly Import[] = files.flatMap(importsOf);
const top = (path: string): string => path.split('/')[0] ?? path;

/** Text without comments, so that words in a docstring do not count. */
const code = (file: SourceFile): string =>
  file.text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/\/\/.*$/gm, '');

/** A cycle of files through value imports, or undefined. Type-only imports vanish at run time and do not count. */
function findCycle(edges: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, trail: readonly string[]): readonly string[] | undefined => {
    if (trail.includes(file)) return [...trail.slice(trail.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const next of edges.get(file) ?? []) {
      const cycle = visit(next, [...trail, file]);
      if (cycle !== undefined) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of edges.keys()) {
    const cycle = visit(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}

describe('the architecture', () => {
  it('sees the source', () => {
    expect(files.length).toBeGreaterThan(20);
    expect(imports.length).toBeGreaterThan(50);
  });

  it('imports only in the allowed directions', () => {
    const wrong = imports.filter(({ from, file }) => {
      if (file === undefined || file === 'errors.ts' || top(file) === top(from)) return false;
      return !(MAY_IMPORT[top(from)] ?? []).includes(top(file));
    });
    expect(wrong.map(({ from, file }) => `${from} imports ${file}`)).toEqual([]);
  });

  it('knows every top folder', () => {
    expect([...new Set(files.map(({ path }) => top(path)))].filter((name) => !(name in MAY_IMPORT))).toEqual(
      [],
    );
  });

  it('imports every package in its one place', () => {
    const wrong = imports.filter(({ from, module }) => {
      if (module === undefined || module.startsWith('node:')) return false;
      const places = PACKAGE_PLACE[packageOf(module)];
      return places === undefined || !places.some((place) => from.startsWith(place));
    });
    expect(wrong.map(({ from, module }) => `${from} imports ${module}`)).toEqual([]);
  });

  it('keeps clock, randomness, process and I/O out of the pure folders', () => {
    const pure = files.filter(({ path }) => PURE.includes(top(path)));
    const impureCode = pure.filter((file) => IMPURE.test(code(file))).map(({ path }) => path);
    const impureImports = imports
      .filter(({ from, module }) => PURE.includes(top(from)) && module?.startsWith('node:') === true)
      .filter(({ module }) => module !== 'node:crypto')
      .map(({ from, module }) => `${from} imports ${module}`);
    expect([...impureCode, ...impureImports]).toEqual([]);
  });

  it('calls process.exit in main.ts only', () => {
    expect(files.filter((file) => code(file).includes('process.exit(')).map(({ path }) => path)).toEqual(
      files.some(({ path, text }) => path === 'main.ts' && text.includes('process.exit(')) ? ['main.ts'] : [],
    );
  });

  it('has no cycle of imports', () => {
    const edges = new Map<string, string[]>();
    for (const { from, file, typeOnly } of imports) {
      if (file !== undefined && !typeOnly) edges.set(from, [...(edges.get(from) ?? []), file]);
    }
    expect(findCycle(edges)).toBeUndefined();
  });

  it('has no barrel: no index.ts and no file that only re-exports', () => {
    const barrels = files.filter(
      ({ path, text }) => path.endsWith('index.ts') || /^export \* from/m.test(text),
    );
    expect(barrels.map(({ path }) => path)).toEqual([]);
  });

  it('has no file above 300 lines and none without a header comment', () => {
    const long = files.filter(({ text }) => text.split('\n').length > 301).map(({ path }) => path);
    const headless = files.filter(({ text }) => !text.startsWith('/**')).map(({ path }) => path);
    expect({ long, headless }).toEqual({ long: [], headless: [] });
  });

  it('has no folder or file named after nothing', () => {
    const vague = /(^|\/)(utils?|common|helpers?|manager|data|info|misc)(\/|\.ts$)/;
    expect(files.filter(({ path }) => vague.test(path)).map(({ path }) => path)).toEqual([]);
  });
});
