import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SluiceError } from '../../../src/errors.ts';
import { parseSpecs } from '../../../src/model/spec.ts';
import { type ApiWorld, startApiWorld } from '../world.ts';
import { sampleOf } from './fixture.ts';

type Json = Readonly<Record<string, unknown>>;

let world: ApiWorld;
let document: Json;
beforeAll(async () => {
  world = await startApiWorld();
  const answer = await world.ask({ target: '/v1/openapi.json', token: world.tokens.get('viewer') });
  document = JSON.parse(answer.text);
});
afterAll(async () => {
  await world.close();
});

const isJson = (value: unknown): value is Json => typeof value === 'object' && value !== null;
/** Fields of an object; of anything else none. */
const fieldsOf = (value: unknown): Json => (isJson(value) ? value : {});
const at = (value: unknown, ...path: readonly string[]): unknown =>
  path.reduce<unknown>((inner, name) => fieldsOf(inner)[name], value);

/** All operations of the document. */
function operations(): readonly { readonly path: string; readonly method: string; readonly json: unknown }[] {
  return Object.entries(fieldsOf(at(document, 'paths'))).flatMap(([path, methods]) =>
    Object.entries(fieldsOf(methods)).map(([method, json]) => ({ path, method, json })),
  );
}

const fields = (json: unknown): readonly string[] => Object.keys(fieldsOf(at(json, 'properties'))).toSorted();

/** What the reader of specs says there is, where it meets a field that is not. */
async function known(body: object): Promise<readonly string[]> {
  const error: unknown = await parseSpecs(JSON.stringify(body), { file: 'x.json' }).catch(
    (reason: unknown) => reason,
  );
  if (!(error instanceof SluiceError)) throw new Error('the reader takes any field');
  const errors = Object.values(fieldsOf(error.details['errors']));
  const about = errors.find((item) => String(at(item, 'message')).includes('unknown field "zz"'));
  return String(at(about, 'allowed')).split(', ').toSorted();
}

describe('the OpenAPI document', () => {
  it('is one, of version 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    // The validator does find what is wrong.
    expect(await new Validator().validate({ ...structuredClone(document), paths: 1 })).toMatchObject({
      valid: false,
    });
  });

  it('has every path and method that the server answers below /v1, and only those', async () => {
    expect(operations().length).toBeGreaterThan(15);
    for (const { path, method } of operations()) {
      const target = path.replaceAll(/\{\w+\}/g, 'x');
      // Without credentials: 401 where there is such a route, 404 and 405 where not.
      const answer = await world.ask({ target, method: method.toUpperCase() });
      expect([path, method, [401, 429].includes(answer.status)]).toEqual([path, method, true]);
      const others = ['get', 'post', 'put', 'delete'].filter(
        (other) => !Object.hasOwn(fieldsOf(at(document, 'paths', path)), other),
      );
      for (const other of others)
        expect((await world.ask({ target, method: other.toUpperCase() })).status).toBe(405);
    }
  });

  it('says of every operation what it answers, errors too, and has a schema of each', () => {
    for (const { path, method, json } of operations()) {
      expect([path, method, typeof at(json, 'summary')]).toEqual([path, method, 'string']);
      expect(sampleOf(String(at(json, 'operationId')), 'admin')).toBeDefined();
      for (const status of ['200', '400', '401', '403', '429', '500', '503'])
        expect([path, method, status, at(json, 'responses', status) !== undefined]).toEqual([
          path,
          method,
          status,
          true,
        ]);
    }
    const text = JSON.stringify(document);
    const used = [...text.matchAll(/"#\/components\/(\w+)\/(\w+)"/g)];
    for (const [, group = '', name = ''] of used)
      expect([name, at(document, 'components', group, name)]).toEqual([name, expect.anything()]);
    expect(used.length).toBeGreaterThan(50);
    expect(text).not.toContain('$defs');
  });

  it('has the fields of a spec that its reader knows', async () => {
    const schema = at(
      document,
      'paths',
      '/v1/services/{service}',
      'put',
      'requestBody',
      'content',
      'application/json',
      'schema',
    );
    const service = { kind: 'Service', name: 'web', entries: ['10.96.0.10:80'] };
    expect(fields(schema)).toEqual(await known({ ...service, instances: [], zz: 1 }));
    const template = at(schema, 'properties', 'template');
    expect(fields(template)).toEqual(await known({ ...service, template: { zz: 1 } }));
    for (const part of ['hooks', 'limits', 'preStop', 'logs']) {
      const of = at(template, 'properties', part);
      expect(fields(of)).toEqual(await known({ ...service, template: { [part]: { zz: 1 } } }));
    }
    const probes = await Promise.all(
      ['tcp', 'http', 'exec'].map((kind) => known({ ...service, template: { probe: { kind, zz: 1 } } })),
    );
    expect(fields(at(template, 'properties', 'probe'))).toEqual([...new Set(probes.flat())].toSorted());
  });
});
