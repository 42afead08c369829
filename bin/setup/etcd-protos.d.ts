/** The protos of etcd as protobufjs writes them as JSON; a module of the build only (build.js). */
declare module 'sluice:etcd-protos' {
  import type { INamespace } from 'protobufjs';

  const protos: INamespace;
  // oxlint-disable-next-line import/no-default-export -- the shape of a JSON module
  export default protos;
}
