import { describe, expect, it } from 'vitest';
import { isInstalled } from '../../bin/setup/modules.js';

const WANTED = {
  packages: {
    '': { version: '0.1.0' },
    'node_modules/a': { version: '1.0.0', integrity: 'x' },
    'node_modules/b-linux': { version: '2.0.0', integrity: 'y', optional: true },
  },
};

describe('the installed node modules', () => {
  it.each([
    [
      'all is there',
      {
        'node_modules/a': WANTED.packages['node_modules/a'],
        'node_modules/b-linux': WANTED.packages['node_modules/b-linux'],
      },
      true,
    ],
    ['only an optional one is missing', { 'node_modules/a': WANTED.packages['node_modules/a'] }, true],
    ['one is missing', { 'node_modules/b-linux': WANTED.packages['node_modules/b-linux'] }, false],
    ['one has another version', { 'node_modules/a': { version: '1.0.1', integrity: 'x' } }, false],
    ['one has other bytes', { 'node_modules/a': { version: '1.0.0', integrity: 'z' } }, false],
    [
      'one is too many',
      { 'node_modules/a': WANTED.packages['node_modules/a'], 'node_modules/c': { version: '1.0.0' } },
      false,
    ],
  ])('when %s', (_what, packages, installed) => {
    expect(isInstalled(WANTED, { packages })).toBe(installed);
  });

  it('are not there when npm was interrupted before it wrote what it installed', () => {
    expect(isInstalled(WANTED, {})).toBe(false);
  });
});
