/** Owns the names of the output formats and which of them are for machines. Pure. */

/** Values of `-o`. */
export const OUTPUT_FORMATS = ['table', 'wide', 'json', 'jsonl', 'yaml', 'name'] as const;

/** How results are written. */
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** True where stderr must be machine-clean too: people write `2>&1 | jq`. */
export function isJson(format: OutputFormat): boolean {
  return format === 'json' || format === 'jsonl';
}
