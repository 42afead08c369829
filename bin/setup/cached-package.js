/**
 * Owns loading a package of the bundle from one CommonJS file with V8's code cache beside it (part of the bundle). Compiling etcd3 and grpc
 * anew would cost every command 40 ms. V8 refuses a cache of another version or other flags; then it compiles as ever.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

/**
 * Compiles a CommonJS file.
 * @param {string} file absolute path
 * @param {Buffer | undefined} cachedData of `createCachedData`
 */
export function compile(file, cachedData) {
  const source = `(function (exports, require, module, __dirname) {${readFileSync(file, 'utf8')}\n})`;
  return new vm.Script(source, { filename: file, ...(cachedData === undefined ? {} : { cachedData }) });
}

/**
 * Runs a compiled file as a module.
 * @param {vm.Script} script
 * @param {string} file absolute path
 * @returns {any} what it exports
 */
export function run(script, file) {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, path.dirname(file));
  return module.exports;
}

/** @param {string} file */
function readCache(file) {
  try {
    return readFileSync(`${file}.cache`);
  } catch {
    return undefined; // without it everything works, only slower
  }
}

/**
 * The exports of a package file.
 * @param {URL} url of the file
 */
export function loadCached(url) {
  const file = fileURLToPath(url);
  return run(compile(file, readCache(file)), file);
}
