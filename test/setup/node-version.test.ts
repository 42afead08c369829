import { expect, it } from 'vitest';
import { checkNodeVersion } from '../../bin/setup/node-version.js';

it.each(['20.19.0', '20.20.2', '22.0.0', '24.21.0'])('Node %s is new enough', (version) => {
  expect(() => {
    checkNodeVersion(version);
  }).not.toThrow();
});

it.each(['20.18.9', '18.20.0', '9.0.0'])('Node %s is too old', (version) => {
  expect(() => {
    checkNodeVersion(version);
  }).toThrow(expect.objectContaining({ exitCode: 78, message: `Node ${version} is too old` }));
});
