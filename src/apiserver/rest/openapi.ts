/**
 * Owns the OpenAPI 3.1 document of the REST API, made from the schemas that read requests and say what answers hold. Pure. The one place of
 * @valibot/to-json-schema.
 */
import { toJsonSchema, toJsonSchemaDefs } from '@valibot/to-json-schema';
import type * as v from 'valibot';
import { VERSION } from '../../version.ts';
import { ANSWERS, type AnswerName, ITEMS } from './answers.ts';
import { EVENT_STREAM } from './event-stream.ts';
import type { Operation } from './operation.ts';

type Json = Readonly<Record<string, unknown>>;

/** What goes over the wire is the input of a schema; checks that JSON Schema has no words for are told in descriptions. */
const CONFIG = {
  target: 'draft-2020-12',
  typeMode: 'input',
  errorMode: 'ignore',
  overrideRef: ({ referenceId }: { readonly referenceId: string }) => `#/components/schemas/${referenceId}`,
} as const;

function schemaOf(schema: v.GenericSchema): Json {
  const { $schema: _dialect, ...json } = toJsonSchema(schema, { ...CONFIG, definitions: { ...ITEMS } });
  const { $defs: _items, ...own } = json;
  return own;
}

const answerRef = (name: AnswerName): Json => ({ $ref: `#/components/schemas/${name}` });

/** Status codes that an error may have, each with why. */
const ERRORS: Readonly<Record<string, string>> = {
  400: 'Something in the request is wrong, or the consent to what it takes away is missing; nothing was written',
  401: 'It is not known who asks',
  403: 'The role may not do that',
  404: 'There is no such service, instance or node',
  409: 'It was changed meanwhile, or another service holds the entry',
  413: 'The body is too long',
  415: 'The body is not said to be JSON',
  429: 'Too many requests',
  500: 'A bug of the API server',
  502: 'The store refuses',
  503: 'The store cannot be reached; nothing was written',
  504: 'It is not known whether it was written',
};

/** Those that only requests with a body, a name in the path or a write can have. */
function errorsOf({ method, body, params }: Operation): readonly string[] {
  const isWrite = method !== 'GET';
  const never = [
    ...(body === undefined ? ['413', '415'] : []),
    ...(isWrite ? [] : ['409', '504']),
    ...(Object.keys(params).length === 0 ? ['404'] : []),
  ];
  return Object.keys(ERRORS).filter((status) => !never.includes(status));
}

function responsesOf(operation: Operation): Json {
  const { answers } = operation;
  const isStream = answers.length === 0;
  const one = answers.length === 1 ? answerRef(answers[0] ?? 'Error') : { oneOf: answers.map(answerRef) };
  const content = isStream
    ? { [EVENT_STREAM]: { schema: { type: 'string' } } }
    : { 'application/json': { schema: one } };
  const description = isStream ? STREAM : answers.join(' or, with dryRun, ');
  const refusals = errorsOf(operation).map((status) => [
    status,
    { $ref: `#/components/responses/${status}` },
  ]);
  return { 200: { description, content }, ...Object.fromEntries(refusals) };
}

/** What the events are. */
const STREAM = `Events: begin {revision}: forget what you had; put {kind, reference, item}: a Service, Instance, Node or Leader is so now;
delete {kind, reference}; decision and change: what was decided and what people changed; bookmark {revision}, every 2 s: all up to it was told; end {why}: come
again, here or elsewhere, with the header Last-Event-ID`;

function parameterOf(place: 'path' | 'query', name: string, schema: v.GenericSchema): Json {
  const { description, ...json } = schemaOf(schema);
  return { name, in: place, required: place === 'path', description, schema: json };
}

function parametersOf({ params, query }: Operation): readonly Json[] {
  return [
    ...Object.entries(params).map(([name, schema]) => parameterOf('path', name, schema)),
    ...Object.entries(query).map(([name, schema]) => parameterOf('query', name, schema)),
  ];
}

function operationJson(operation: Operation): Json {
  const { id, summary, body } = operation;
  const requestBody = { required: true, content: { 'application/json': { schema: body && schemaOf(body) } } };
  return {
    operationId: id,
    summary,
    parameters: parametersOf(operation),
    ...(body === undefined ? {} : { requestBody }),
    responses: responsesOf(operation),
  };
}

function pathsOf(operations: readonly Operation[]): Json {
  const paths: Record<string, Json> = {};
  for (const operation of operations) {
    const { path, method } = operation;
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationJson(operation) };
  }
  return paths;
}

const INTRODUCTION = `What people and tools ask of a Sluice cluster; the same use cases, the same rules and the same JSON as the commands with -o json.
Reads show what this server knows now, which is what the store holds a moment ago; with consistent they show all that was written before. Changes are
recorded with the caller's name.`;

/** The document. */
export function openApiDocument(operations: readonly Operation[]): Json {
  const refusals = Object.entries(ERRORS).map(([status, description]) => [
    status,
    { description, content: { 'application/json': { schema: answerRef('Error') } } },
  ]);
  return {
    openapi: '3.1.0',
    info: { title: 'Sluice', version: VERSION, description: INTRODUCTION },
    paths: pathsOf(operations),
    security: [{ token: [] }, { certificate: [] }],
    components: {
      schemas: toJsonSchemaDefs({ ...ITEMS, ...ANSWERS }, CONFIG),
      responses: Object.fromEntries(refusals),
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'sluice token create' },
        certificate: { type: 'mutualTLS', description: 'Common name ROLE:NAME' },
      },
    },
  };
}
