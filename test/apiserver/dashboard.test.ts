import { createHash } from 'node:crypto';
import { Script } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCRIPT } from '../../src/apiserver/dashboard/page.ts';
import { type ApiWorld, type HttpAnswer, startApiWorld } from './world.ts';

let world: ApiWorld;
let page: HttpAnswer;
beforeAll(async () => {
  world = await startApiWorld();
  page = await world.ask({ target: '/' });
});
afterAll(async () => {
  await world.close();
});

/** All that an element of this name holds. */
const inside = (name: string): readonly string[] =>
  [...page.text.matchAll(new RegExp(`<${name}>([^]*?)</${name}>`, 'g'))].map(([, text]) => text ?? '');

describe('the dashboard', () => {
  it('is one page for anybody, and holds nothing of the cluster', () => {
    expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.text).toMatch(/^<!doctype html>\n<html lang="en">/);
  });

  it('lets nothing run or load but its own style and script', () => {
    const policy = String(page.headers['content-security-policy']);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|\*|https?:/);
    for (const name of ['script', 'style']) {
      const [text = '', ...others] = inside(name);
      expect(others).toEqual([]);
      const hash = createHash('sha256').update(text).digest('base64');
      expect(policy).toContain(`${name}-src 'sha256-${hash}'`);
    }
    expect(page.text).not.toMatch(/https?:\/\/|\bstyle=|\bon\w+=|<link (?!rel="icon" href="data:,")/);
    expect(page.headers).toMatchObject({ 'x-frame-options': 'DENY', 'x-content-type-options': 'nosniff' });
  });

  it('has a script that is one, makes no markup of texts, and finds what it looks for', () => {
    expect(() => new Script(SCRIPT)).not.toThrow();
    expect(SCRIPT).not.toMatch(/innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|new Function/);
    const ids = new Set([...page.text.matchAll(/ id="([\w-]+)"/g)].map(([, id]) => id));
    const used = [...SCRIPT.matchAll(/(?:\bat|fill)\('([\w-]+)'/g)].map(([, id]) => id);
    expect(used.filter((id) => !ids.has(id))).toEqual([]);
    expect(used.length).toBeGreaterThan(10);
  });
});
