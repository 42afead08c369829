import { describe, expect, it } from 'vitest';
import { decodeHolder, encodeHolder } from '../../src/model/records-node.ts';
import { decodeService, encodeService } from '../../src/model/records-service.ts';
import { parseSpecs } from '../../src/model/spec.ts';
import { specFromFlags } from '../../src/model/spec-flags.ts';
import { formatSpec, specOf } from '../../src/model/spec-format.ts';

const FLAGS = { name: 'web', entries: ['10.96.0.10:80'], instances: ['10.0.1.11:8080'] };
const AT = '2026-01-01T00:00:00Z';

describe('announcing', () => {
  it('goes through flags, spec files and records unchanged, and is absent where it is not wanted', async () => {
    const spec = specFromFlags({ ...FLAGS, announce: true });
    expect(spec).toMatchObject({ announce: true, masquerade: true });
    for (const format of ['yaml', 'json'] as const)
      expect(await parseSpecs(formatSpec(spec, format), { file: `web.${format}` })).toEqual([spec]);
    const { instances, ...settings } = spec;
    const service = { ...settings, origin: 'static', createdAt: AT } as const;
    const stored = encodeService(service);
    expect(stored).toContain('"announce":true');
    const decoded = decodeService('web', stored);
    expect(decoded.value).toEqual(service);
    expect({ ...specOf(decoded.value, []), instances }).toEqual(spec);
    expect(encodeService({ ...service, announce: undefined }, decoded.raw)).not.toContain('announce');
    expect(formatSpec(specFromFlags(FLAGS))).not.toContain('announce');
    expect('announce' in specFromFlags(FLAGS)).toBe(false);
  });

  it('masquerades unless a file says otherwise', async () => {
    const text = 'kind: Service\nname: web\nentries: ["10.96.0.10:80"]\ninstances: []\nannounce: true\n';
    const read = async (more: string): Promise<unknown> =>
      (await parseSpecs(text + more, { file: 'web.yaml' }))[0]?.masquerade;
    expect(await read('')).toBe(true);
    expect(await read('masquerade: false\n')).toBe(false);
    expect(await read('masquerade: true\n')).toBe(true);
  });

  it('is reported with its line if it is neither true nor false', async () => {
    const text = 'kind: Service\nname: web\nentries: ["10.96.0.10:80"]\ninstances: []\nannounce: maybe\n';
    await expect(parseSpecs(text, { file: 'web.yaml' })).rejects.toMatchObject({
      code: 'invalid-spec',
      message: expect.stringContaining('web.yaml:5'),
    });
  });

  it('has claims that name a node, under canonical addresses', () => {
    expect(decodeHolder('fd00::1', encodeHolder({ node: 'n1', since: AT })).value).toEqual({
      ip: 'fd00::1',
      node: 'n1',
      since: AT,
    });
    expect(() => decodeHolder('fd00:0::1', encodeHolder({ node: 'n1', since: AT }))).toThrow(/is not valid/);
    expect(() => decodeHolder('10.0.0.1', '{"node":"../x","since":"2026-01-01T00:00:00Z"}')).toThrow(/node/);
  });
});
