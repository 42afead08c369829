/** Owns the list of help topics. The texts are loaded when they are asked for. */

/** A help topic. */
export interface Topic {
  readonly name: string;
  readonly summary: string;
  readonly text: () => Promise<string>;
}

/** All topics, in the order of the help. */
export const TOPICS: readonly Topic[] = [
  {
    name: 'specs',
    summary: 'the files that -f reads',
    text: async () => (await import('./specs.ts')).SPECS,
  },
  {
    name: 'environment',
    summary: 'variables, contexts and configuration files',
    text: async () => (await import('./environment.ts')).ENVIRONMENT,
  },
  {
    name: 'output',
    summary: 'formats, streams and colour',
    text: async () => (await import('./output.ts')).OUTPUT,
  },
  {
    name: 'exit-codes',
    summary: 'what the exit code says',
    text: async () => (await import('./exit-codes.ts')).exitCodes(),
  },
];
