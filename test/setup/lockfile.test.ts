import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { completed, missingOptional, platformOf } from '../../bin/setup/lockfile.js';

describe('package-lock.json', () => {
  it('locks every optional package, so that npm ci takes it (else: npm run lockfile)', () => {
    const lockfile = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));
    expect([...missingOptional(lockfile).keys()]).toEqual([]);
  });

  it('is completed with what a locked package asks for', () => {
    const packages = {
      '': {},
      'node_modules/a': {
        version: '1.0.0',
        optionalDependencies: { 'a-linux-x64': '1.0.0', 'a-win32-x64': '1.0.0' },
      },
      'node_modules/a-linux-x64': { version: '1.0.0' },
    };
    expect(completed({ packages }).packages).toEqual({
      ...packages,
      'node_modules/a-win32-x64': {
        version: '1.0.0',
        dev: true,
        optional: true,
        os: ['win32'],
        cpu: ['x64'],
      },
    });
  });

  it.each([
    ['@x/binding-linux-arm64-gnu', { os: ['linux'], cpu: ['arm64'], libc: ['glibc'] }],
    ['@x/binding-linux-arm-musleabihf', { os: ['linux'], cpu: ['arm'], libc: ['musl'] }],
    ['@x/binding-darwin-x64', { os: ['darwin'], cpu: ['x64'] }],
  ])('tells the platform of %s by its name', (name, platform) => {
    expect(platformOf(name)).toEqual(platform);
  });

  it('is not completed by guesses', () => {
    const packages = { 'node_modules/a': { optionalDependencies: { fsevents: '2.3.3' } } };
    expect(() => completed({ packages })).toThrow('by hand');
  });
});
