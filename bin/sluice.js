#!/usr/bin/env node
/** Shim: answers --version at once, else starts the bundle; says what to do where nothing is built. */
import { existsSync, readFileSync } from 'node:fs';

const bundle = new URL('../dist/main.js', import.meta.url);

if (process.argv.length === 3 && process.argv[2] === '--version') {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  process.stdout.write(`sluice ${version}\n`);
} else if (existsSync(bundle)) {
  await import(bundle.href);
} else {
  process.stderr.write(
    'error: sluice is not built [config]\n' +
      '  why: dist/main.js is missing\n' +
      '  fix: npm run build (npm run quickstart builds it and tries it)\n',
  );
  process.exitCode = 78;
}
