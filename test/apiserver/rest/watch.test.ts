import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { publish } from '../../../src/ops/publish.ts';
import { revokeTokens } from '../../../src/ops/tokens.ts';
import { unpublish } from '../../../src/ops/unpublish.ts';
import { admin, nodeSays, spec } from '../../ops/world.ts';
import { type ApiWorld, makeToken } from '../world.ts';
import { startRestWorld } from './fixture.ts';

interface Told {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Readonly<Record<string, unknown>>;
}

let world: ApiWorld;
beforeAll(async () => {
  world = await startRestWorld();
});
afterAll(async () => {
  await world.close();
});

function parse(block: string): Told | undefined {
  const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
  const data = field('data');
  if (data === undefined) return undefined;
  const json: Told['data'] = JSON.parse(data);
  return { event: field('event') ?? '', id: field('id'), data: json };
}

/** Reads a watch's events until one of them ends it. */
async function watch(
  token: string | undefined,
  { from, until }: { readonly from?: string | undefined; readonly until: (told: Told) => boolean },
): Promise<readonly Told[]> {
  const response = await fetch(`${world.url}/v1/watch`, {
    headers: {
      authorization: `Bearer ${token ?? ''}`,
      ...(from === undefined ? {} : { 'last-event-id': from }),
    },
  });
  expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/event-stream']);
  const all: Told[] = [];
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const told = parse(block);
      if (told === undefined) continue;
      all.push(told);
      // Leaving the loop lets the connection go.
      if (until(told)) return all;
    }
  }
  return all;
}

const viewer = (): string | undefined => world.tokens.get('viewer');
const isBookmark = ({ event }: Told): boolean => event === 'bookmark';
const references = (all: readonly Told[]): readonly string[] =>
  all.flatMap(({ event, data }) =>
    event === 'put' || event === 'delete' ? [`${event} ${String(data['reference'])}`] : [],
  );

describe('a watch', () => {
  it('tells first all there is, then what changes, and lets its reader go on where it left off', async () => {
    const first = await watch(viewer(), { until: isBookmark });
    expect(first[0]?.event).toBe('begin');
    expect(references(first)).toEqual(
      expect.arrayContaining(['put service/web', 'put web/10.0.1.11:8080', 'put node/n1', 'put service/app']),
    );
    expect(first.map(({ event }) => event)).toContain('change');
    // Only the end of the list is a place to go on from.
    expect(first.filter(({ id }) => id !== undefined)).toEqual([first.at(-1)]);

    const ann = admin(world.backend, 'ann', { newId: () => `w-${performance.now()}`.replace('.', '-') });
    const seen = watch(viewer(), { until: ({ data }) => data['reference'] === 'new/10.0.3.1:80' });
    await publish(ann, [spec('new', '10.96.3.1:80', '10.0.3.1:80')]);
    expect(references(await seen)).toContain('put service/new');

    await unpublish(ann, ['new']);
    await nodeSays(world.backend, 'n2', { applied: 1 });
    const missed = await watch(viewer(), {
      from: first.at(-1)?.id,
      until: ({ data }) => data['reference'] === 'node/n2',
    });
    expect(missed.map(({ event }) => event)).not.toContain('begin');
    const later = await watch(viewer(), { from: first.at(-1)?.id, until: isBookmark });
    const told = ['put node/n2', 'delete service/new', 'delete new/10.0.3.1:80'];
    expect(references(later)).toEqual(told);
    expect(later.filter(({ event }) => event === 'change').map(({ data }) => data['outcome'])).toEqual([
      'created',
      'deleted',
    ]);
    expect(Number(later.at(-1)?.id)).toBeGreaterThan(Number(first.at(-1)?.id));
  });

  it('tells an item only when it has changed', async () => {
    let bookmarks = 0;
    const seen = watch(viewer(), { until: (told) => isBookmark(told) && (bookmarks += 1) === 3 });
    await nodeSays(world.backend, 'n1', { applied: 100 });
    const all = references(await seen).filter((text) => text === 'put web/10.0.1.11:8080');
    expect(all.length).toBe(1);
  });

  it('tells everything anew where it does not reach back', async () => {
    const { revision } = await world.backend.get('x');
    world.backend.backend.compact(revision);
    const all = await watch(viewer(), { from: '3', until: isBookmark });
    expect(all[0]?.event).toBe('begin');
    expect(references(all)).toContain('put service/web');
  });

  it('refuses a place that is none', async () => {
    const headers = { 'last-event-id': 'abc' };
    const answer = await world.ask({ target: '/v1/watch', token: viewer(), headers });
    expect([answer.status, answer.text]).toEqual([400, expect.stringContaining('Last-Event-ID')]);
  });

  it('ends when its token is revoked', async () => {
    const token = await makeToken(world.backend, 'viewer', { name: 'short' });
    let revoked: Promise<unknown> | undefined;
    const revoke = async (): Promise<unknown> =>
      revokeTokens(admin(world.backend, 'bob'), [token.slice(7, 23)], { reason: undefined, dryRun: false });
    await expect
      .poll(async () => (await world.ask({ target: '/v1/status', token })).status, { timeout: 5_000 })
      .toBe(200);
    const all = await watch(token, {
      until: (told) => {
        if (isBookmark(told)) revoked ??= revoke();
        return false;
      },
    });
    await revoked;
    expect(all.at(-1)).toMatchObject({ event: 'end', data: { why: expect.stringContaining('revoked') } });
  });
});
