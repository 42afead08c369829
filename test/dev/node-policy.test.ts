import { expect, it } from 'vitest';
import { devPolicy } from '../../src/dev/node-policy.ts';
import { parsePolicy } from '../../src/model/policy-file.ts';

it.each(['/srv/shop', '/home/ann/my "new": [shop] #1'])('the policy of sluice dev in %s is one', (folder) => {
  const policy = parsePolicy(devPolicy(folder), 'policy.yaml');
  expect(policy).toMatchObject({ allowRoot: true, defaultUser: 'root', directories: [folder] });
  expect(policy.commands).toContainEqual({ path: `${folder}/*` });
  expect(policy.commands).toContainEqual({ path: process.execPath });
});
