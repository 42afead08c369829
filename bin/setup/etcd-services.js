/**
 * Owns what etcd3 needs of @grpc/proto-loader, in the bundle only: service definitions from protos that were parsed when the bundle was
 * built. The loader itself parses text, and describes every message for server reflection, at each start: a fifth of a command's
 * time. etcd3 sees the same definitions (test/setup compares them).
 */
import protobuf from 'protobufjs/light.js';
import protos from 'sluice:etcd-protos';

/** @param {import('protobufjs').Type} type */
const serializer = (type) => (/** @type {object} */ message) =>
  Buffer.from(type.encode(type.fromObject(message)).finish());

/**
 * @param {import('protobufjs').Type} type
 * @param {import('protobufjs').IConversionOptions} options
 */
const deserializer = (type, options) => (/** @type {Buffer} */ bytes) =>
  type.toObject(type.decode(bytes), options);

/**
 * Definition of one method, as @grpc/grpc-js takes it.
 * @param {import('protobufjs').Method} method resolved
 * @param {string} service full name
 * @param {import('protobufjs').IConversionOptions} options how decoded messages look
 */
function methodDefinition(method, service, options) {
  const { resolvedRequestType: request, resolvedResponseType: response } = method;
  if (request === null || response === null) throw new Error(`${service}.${method.name} is not resolved`);
  return {
    path: `/${service}/${method.name}`,
    requestStream: method.requestStream === true,
    responseStream: method.responseStream === true,
    requestSerialize: serializer(request),
    requestDeserialize: deserializer(request, options),
    responseSerialize: serializer(response),
    responseDeserialize: deserializer(response, options),
    originalName: `${method.name.charAt(0).toLowerCase()}${method.name.slice(1)}`,
  };
}

/**
 * In place of the loader's function of the same name.
 * @param {string} _file is not read: its contents are in the bundle
 * @param {import('protobufjs').IConversionOptions} options how decoded messages look
 */
export function loadSync(_file, options) {
  const root = protobuf.Root.fromJSON(protos);
  root.resolveAll();
  /** @type {Record<string, unknown>} */
  const definitions = {};
  for (const namespace of root.nestedArray) {
    if (!(namespace instanceof protobuf.Namespace)) continue;
    for (const service of namespace.nestedArray) {
      if (!(service instanceof protobuf.Service)) continue;
      const name = `${namespace.name}.${service.name}`;
      definitions[name] = Object.fromEntries(
        service.methodsArray.map((method) => [method.name, methodDefinition(method, name, options)]),
      );
    }
  }
  return definitions;
}
