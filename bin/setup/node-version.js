/** Owns the check of the Node version. Must run on older Nodes too, to be able to say no. */
import { SetupFailure } from './failure.js';

const OLDEST = [20, 19];

/**
 * @param {string} version as process.versions.node
 * @throws {SetupFailure} 78 if it is too old
 */
export function checkNodeVersion(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new SetupFailure(78, `Node ${version} is too old`, {
    why: `Sluice needs Node ${OLDEST.join('.')} or later; 24 LTS starts fastest`,
    fix: 'install a newer Node, e.g. from your distribution or nodejs.org',
  });
}
