/** Owns reading the source tree's imports for the architecture test. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of src/. */
const SRC = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../src');

/** One import of one source file. */
export interface Import {
  /** Path below src/ with forward slashes, e.g. 'store/etcd/client.ts'. */
  readonly from: string;
  /** Path below src/ for a relative import, else undefined. */
  readonly file: string | undefined;
  /** Package or node: module name for any other import, else undefined. */
  readonly module: string | undefined;
  readonly typeOnly: boolean;
}

/** A source file: its path below src/ and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** All .ts files of src/, sorted. */
export function sourceFiles(): readonly SourceFile[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({
      path: name.split(path.sep).join('/'),
      text: readFileSync(path.join(SRC, name), 'utf8'),
    }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

const STATIC = /^(?:import|export)\s+(type\s+)?[^;'"]*?from\s+'([^']+)'/gm;
const BARE = /^import\s+'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)/g;

/** All imports of a file: static, bare, re-exports and dynamic ones with a literal name. */
export function importsOf(file: SourceFile): readonly Import[] {
  const found = (specifier: string, typeOnly: boolean): Import => {
    const relative = specifier.startsWith('.');
    return {
      from: file.path,
      file: relative
        ? path.posix.normalize(path.posix.join(path.posix.dirname(file.path), specifier))
        : undefined,
      module: relative ? undefined : specifier,
      typeOnly,
    };
  };
  return [
    ...[...file.text.matchAll(STATIC)].map((match) => found(match[2] ?? '', match[1] !== undefined)),
    ...[...file.text.matchAll(BARE)].map((match) => found(match[1] ?? '', false)),
    ...[...file.text.matchAll(DYNAMIC)].map((match) => found(match[1] ?? '', false)),
  ];
}

/** Package name of a module specifier: 'a/b' → 'a', '@s/a/b' → '@s/a', 'node:fs/promises' → 'node:fs'. */
export function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? '');
}
