import * as v from 'valibot';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ANSWERS, type AnswerName } from '../../../src/apiserver/rest/answers.ts';
import { restOperations } from '../../../src/apiserver/rest/operations.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { ROLES, type Role } from '../../../src/model/access.ts';
import { startWatchCache } from '../../../src/apiserver/cache/watch-cache.ts';
import { createMemoryStore } from '../../../src/store/memory/memory.ts';
import { silentLog } from '../../harness/log.ts';
import type { ApiWorld, HttpAnswer } from '../world.ts';
import { sampleOf, startRestWorld } from './fixture.ts';

const store = createMemoryStore();
const cache = startWatchCache({ store, clock: systemClock, random: () => 0, format: () => '' });
const OPERATIONS = restOperations({ cache, log: silentLog });

let world: ApiWorld;
beforeAll(async () => {
  await cache.close();
  world = await startRestWorld();
});
afterAll(async () => {
  await world.close();
});

const CASES = OPERATIONS.flatMap((operation) => ROLES.map((role) => ({ role, ...operation })));
const mayChange = (role: Role): boolean => role === 'admin' || role === 'operator';

const ask = async (id: string, role: Role, token: string | undefined): Promise<HttpAnswer> => {
  const sample = sampleOf(id, role);
  if (sample === undefined) throw new Error(`give the operation ${id} a sample in fixture.ts`);
  return world.ask({ ...sample, token });
};
const stored = async (): Promise<unknown> => (await world.backend.list({ start: '', end: '~' })).items;

/** What the schemas of these answers read of one; what a schema does not know is not in it. */
function readable(names: readonly AnswerName[], { text }: HttpAnswer): readonly unknown[] {
  return names.flatMap((name) => {
    const result = v.safeParse(ANSWERS[name], JSON.parse(text));
    return result.success ? [result.output] : [];
  });
}

describe('each operation', () => {
  it.each(CASES.filter(({ method, role }) => method === 'GET' || mayChange(role)))(
    '$id answers $role as its schema says',
    async ({ id, role, answers }) => {
      const answer = await ask(id, role, world.tokens.get(role));
      expect([answer.status, answer.text]).toEqual([200, expect.anything()]);
      expect(readable(answers, answer)).toEqual(answers.length > 0 ? [JSON.parse(answer.text)] : []);
      expect(answer.text.includes('event: begin\n')).toBe(answers.length === 0);
    },
  );

  it.each(CASES.filter(({ method, role }) => method !== 'GET' && !mayChange(role)))(
    '$id is refused to $role, and nothing is changed',
    async ({ id, role }) => {
      const before = await stored();
      const answer = await ask(id, role, world.tokens.get(role));
      expect(answer.status).toBe(403);
      expect(readable(['Error'], answer)).toEqual([JSON.parse(answer.text)]);
      expect(await stored()).toEqual(before);
    },
  );

  it.each(OPERATIONS)('$id is refused to who is not known', async ({ id }) => {
    const wrong = `${world.tokens.get('admin')?.slice(0, -43) ?? ''}${'x'.repeat(43)}`;
    for (const token of [undefined, wrong]) {
      const answer = await ask(id, 'admin', token);
      expect([401, 429]).toContain(answer.status);
    }
  });

  it.each(OPERATIONS.filter(({ method }) => method !== 'GET' && method !== 'POST'))(
    '$id can be asked for a preview, which changes nothing',
    async ({ id, answers }) => {
      const sample = sampleOf(id, 'viewer');
      const target = `${sample?.target ?? ''}${sample?.target.includes('?') === true ? '&' : '?'}dryRun=true`;
      const before = await stored();
      const answer = await world.ask({ ...sample, target, token: world.tokens.get('viewer') });
      expect(answer.status).toBe(200);
      expect(readable(answers, answer)).toEqual([JSON.parse(answer.text)]);
      expect(await stored()).toEqual(before);
    },
  );
});
