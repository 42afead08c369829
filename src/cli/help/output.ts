/** Owns the topic output. */

/** Text of the topic. */
export const OUTPUT = `Formats, with -o:

  table   columns for people (default)          wide    all columns
  json    one object with kind, version, revision and items
  jsonl   one item a line; with -w one event a line
  yaml    the same object as json
  name    one reference a line, as commands take it: service/web, web/10.0.1.11:8080, node/n3

--columns a,b chooses columns, --sort-by a orders (--sort-by=-a turns the order), --no-headers leaves the first line out.
Off a terminal nothing is cut, nothing is coloured and times are RFC 3339. Fields of json are only ever added; names say
their units (ageSeconds, latencyMs).

Streams: stdout carries the result and nothing else; progress, warnings and errors go to stderr. With -o json both can be
read by a program (2>&1 | jq): warnings and errors are JSON objects too. -q leaves out what is not a change or a failure.
`;
