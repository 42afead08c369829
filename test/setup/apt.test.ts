import { expect, it } from 'vitest';
import { aptConf } from '../../bin/setup/apt.js';

it('apt works in private folders only, runs none of the system hooks, and needs no root', () => {
  const conf = aptConf('/cache/apt', true);
  for (const line of [
    'Dir::State::lists "/cache/apt/lists";',
    'Dir::Cache::archives "/cache/apt/archives";',
    'Dir::Etc::sourceparts "/cache/apt/sources";',
    'Debug::NoLocking "1";',
    '#clear APT::Update::Post-Invoke;',
    '#clear DPkg::Post-Invoke;',
  ]) {
    expect(conf).toContain(`${line}\n`);
  }
});

it('apt keeps the sources of the system where none of them is known to be official', () => {
  expect(aptConf('/cache/apt', false)).not.toContain('Dir::Etc::source');
});
