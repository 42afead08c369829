import { describe, expect, it } from 'vitest';
import { formatAffinity, parseAffinity } from '../../src/model/affinity.ts';
import { decodeService, encodeService } from '../../src/model/records-service.ts';
import { parseSpecs } from '../../src/model/spec.ts';
import { specFromFlags } from '../../src/model/spec-flags.ts';
import { formatSpec } from '../../src/model/spec-format.ts';

describe('a session affinity', () => {
  it.each([
    ['none', undefined, 'none'],
    ['client-ip', 10_800, 'client-ip=3h'],
    ['client-ip=30m', 1_800, 'client-ip=30m'],
    ['client-ip=1s', 1, 'client-ip=1s'],
    ['client-ip=24h', 86_400, 'client-ip=1d'],
    ['client-ip=90m', 5_400, 'client-ip=1h30m'],
  ])('is read from %s as %j seconds and written as %s', (text, seconds, canonical) => {
    expect(parseAffinity(text)).toBe(seconds);
    expect(formatAffinity(seconds)).toBe(canonical);
    expect(parseAffinity(canonical)).toBe(seconds);
  });

  it.each([
    '',
    'client-ip=',
    'client-ip=0',
    'client-ip=500ms',
    'client-ip=25h',
    'client-ip=30',
    'cookie',
    'Client-IP',
    'client-ip=1h x',
  ])('is not %j', (text) => {
    expect(() => parseAffinity(text, '--affinity')).toThrow(
      expect.objectContaining({ code: 'invalid-spec', message: expect.stringContaining('--affinity') }),
    );
  });

  it('goes through flags, spec files and records unchanged, and is absent where there is none', async () => {
    const flags = { name: 'web', entries: ['10.96.0.10:80'], instances: ['10.0.1.11:8080'] };
    const spec = specFromFlags({ ...flags, affinity: 'client-ip=30m' });
    expect(spec.affinitySeconds).toBe(1_800);
    for (const format of ['yaml', 'json'] as const) {
      expect(await parseSpecs(formatSpec(spec, format), { file: `web.${format}` })).toEqual([spec]);
    }
    const { entries, masquerade, affinitySeconds } = spec;
    const service = {
      name: 'web',
      entries,
      masquerade,
      affinitySeconds,
      origin: 'static',
      createdAt: '2026-01-01T00:00:00Z',
    } as const;
    const stored = encodeService(service);
    expect(stored).toContain('"affinity":"client-ip=30m"');
    const decoded = decodeService('web', stored);
    expect(decoded.value.affinitySeconds).toBe(1_800);
    const without = encodeService({ ...service, affinitySeconds: undefined }, decoded.raw);
    expect(without).not.toContain('affinity');
    expect('affinitySeconds' in decodeService('web', without).value).toBe(false);
    expect(formatSpec(specFromFlags(flags))).not.toContain('affinity');
  });

  it('in a spec file is reported with its line if it is wrong', async () => {
    const text = 'kind: Service\nname: web\nentries: ["10.96.0.10:80"]\ninstances: []\naffinity: cookie\n';
    await expect(parseSpecs(text, { file: 'web.yaml' })).rejects.toMatchObject({
      code: 'invalid-spec',
      message: expect.stringContaining('web.yaml:5:11'),
    });
  });
});
