import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/host/clock.ts';
import { publish } from '../../src/ops/publish.ts';
import { unpublish } from '../../src/ops/unpublish.ts';
import { startRestWorld } from '../apiserver/rest/fixture.ts';
import type { ApiWorld } from '../apiserver/world.ts';
import { admin, nodeSays, spec } from '../ops/world.ts';
import { type BrowserPage, startBrowser } from './browser.ts';

let world: ApiWorld;
let page: BrowserPage;
beforeAll(async () => {
  world = await startRestWorld();
  page = await startBrowser();
  await page.open(world.url);
});
afterAll(async () => {
  // Where it did not start, that is what is told.
  await page?.close();
  await world.close();
});

let id = 0;
const ann = () => admin(world.backend, 'ann', { clock: systemClock, newId: () => `dash-${(id += 1)}` });
const textOf = (place: string): Promise<unknown> =>
  page.evaluate(`document.getElementById('${place}').innerText`);
const until = (read: () => Promise<unknown>) => expect.poll(read, { timeout: 20_000, interval: 50 });

describe('the dashboard in Chromium', () => {
  it('asks for a token where one is needed, and keeps it for its tab only', async () => {
    await until(() => page.evaluate(`!document.getElementById('login').hidden`)).toBe(true);
    await page.type(world.tokens.get('viewer') ?? '');
    await page.evaluate(`document.querySelector('#login button').click()`);
    await until(() => textOf('state')).toMatch(/^live, revision \d+$/);
    expect(await page.evaluate('localStorage.length')).toBe(0);
  });

  it('shows services, nodes, findings and the last changes', async () => {
    await until(() => textOf('services')).toContain('web');
    expect(await textOf('services')).toMatch(/web\s+10\.96\.0\.10:80\/tcp\s+2\/2\s+1\/1/);
    expect(await textOf('nodes')).toMatch(/n1\s+alive/);
    expect(await textOf('records')).toContain('ann at ann-pc: service/web created');
    await until(() => textOf('findings')).toContain('app');
    expect(await textOf('leader')).toBe('no monitor leads');
  });

  it('is worked by keys: a row opens, a filter finds, Escape lets it go', async () => {
    await page.press('j');
    const name = await page.evaluate('document.activeElement.dataset.service');
    expect(name).toBe('app');
    await page.evaluate(`document.querySelector('[data-service=web]').click()`);
    await until(() => textOf('services')).toContain('10.0.1.11:8080');
    expect(await textOf('services')).toMatch(/75%[^]*25%/);
    expect(await page.evaluate(`document.querySelector('[data-service=web]').ariaExpanded`)).toBe('true');
    await page.press('/');
    await page.type('web');
    await until(() => textOf('count')).toMatch(/^1 of \d+$/);
    await page.press('Escape');
    await until(() => textOf('count')).not.toMatch(/^1 of/);
  });

  it('shows changes as they come', async () => {
    await publish(ann(), [spec('fresh', '10.96.9.1:80', '10.0.9.1:80')]);
    await until(() => textOf('services')).toContain('fresh');
    await nodeSays(world.backend, 'n2', { alive: false });
    await until(() => textOf('nodes')).toMatch(/n2\s+silent/);
    await unpublish(ann(), ['fresh']);
    await until(() => textOf('services')).not.toContain('fresh');
    expect(await textOf('records')).toContain('service/fresh deleted');
  });

  it('shows text of the store as text', async () => {
    const reason = '<img src=x onerror=alert(1)>';
    await publish(ann(), [spec('shy', '10.96.9.2:80', '10.0.9.1:80')], { reason });
    await until(() => textOf('records')).toContain(reason);
    expect(await page.evaluate(`document.querySelectorAll('#records img').length`)).toBe(0);
  });

  it('is dark where its reader wants it dark, and light where light', async () => {
    const colour = () => page.evaluate('getComputedStyle(document.body).color');
    await page.scheme('light');
    expect(await colour()).toBe('rgb(0, 0, 0)');
    await page.scheme('dark');
    expect(await colour()).toBe('rgb(255, 255, 255)');
  });

  it('loads nothing from elsewhere, and breaks neither its policy nor itself', async () => {
    const names = await page.evaluate(`performance.getEntriesByType('resource').map(({ name }) => name)`);
    const own = `${world.url}/`;
    expect(Array.isArray(names) && names.every((name) => String(name).startsWith(own))).toBe(true);
    // Of its own requests only the first, without a token, was refused.
    expect(page.complaints().filter((text) => !text.includes('401'))).toEqual([]);
    // Its policy lets no script in that is not its own.
    await page.evaluate(
      `document.body.append(Object.assign(document.createElement('script'), { text: 'window.evil = 1' }))`,
    );
    expect(await page.evaluate('window.evil === undefined')).toBe(true);
  });
});
