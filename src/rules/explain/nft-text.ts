/** Owns the text of nftables expressions for people, near to what `nft list` prints. Pure. */
import { asList, asObject, asText, single } from './nft-words.ts';

const listText = (values: unknown, separator: string): string =>
  asList(values).map(expressionText).join(separator);

/** A map or set with hundreds of elements is named by its first few. */
function setText(values: unknown): string {
  const all = asList(values);
  const shown = all
    .slice(0, 4)
    .map((each) => (Array.isArray(each) ? listText(each, ' : ') : expressionText(each)));
  return `{ ${shown.join(', ')}${all.length > shown.length ? `, … ${all.length} in all` : ''} }`;
}

function lookup(name: string, inner: unknown): string {
  const { key, data } = asObject(inner) ?? {};
  return `${expressionText(key)} ${name} ${expressionText(data)}`;
}

function natText(name: string, inner: unknown): string {
  const { addr, port } = asObject(inner) ?? {};
  if (addr === undefined && port === undefined) return name;
  return `${name} to ${addr === undefined ? '' : expressionText(addr)}${port === undefined ? '' : `:${expressionText(port)}`}`;
}

function drawText(name: string, inner: unknown): string {
  const { mode, mod, offset, expr } = asObject(inner) ?? {};
  const what = [name, asText(mode), expr === undefined ? '' : expressionText(expr)].filter(
    (word) => word !== '',
  );
  return `${what.join(' ')} mod ${asText(mod)}${offset === undefined || offset === 0 ? '' : ` offset ${asText(offset)}`}`;
}

function comparison(inner: unknown): string {
  const { op, left, right } = asObject(inner) ?? {};
  const sign = op === '==' || op === 'in' ? '' : `${asText(op)} `;
  return `${expressionText(left)} ${sign}${Array.isArray(right) ? listText(right, ',') : expressionText(right)}`;
}

/** Text of one expression or statement. */
export function expressionText(expression: unknown): string {
  if (Array.isArray(expression)) return listText(expression, ',');
  const object = asObject(expression);
  if (object === undefined) return asText(expression);
  const [kind, inner] = single(object);
  const fields = asObject(inner) ?? {};
  switch (kind) {
    case 'match':
      return comparison(inner);
    case 'payload':
      return `${asText(fields['protocol'])} ${asText(fields['field'])}`;
    case 'meta':
    case 'ct':
      return `${kind} ${asText(fields['key'])}`;
    case 'fib':
      return `fib ${listText(fields['flags'], ' . ')} ${asText(fields['result'])}`;
    case 'numgen':
    case 'jhash':
    case 'symhash':
      return drawText(kind, inner);
    case 'concat':
      return listText(inner, ' . ');
    case 'prefix':
      return `${asText(fields['addr'])}/${asText(fields['len'])}`;
    case 'range':
      return listText(inner, '-');
    case '&':
    case '|':
    case '^':
      return listText(inner, ` ${kind} `);
    case 'set':
      return 'op' in fields ? `${asText(fields['op'])} ${asText(fields['set'])}` : setText(inner);
    case 'vmap':
    case 'map':
      return lookup(kind, inner);
    case 'dnat':
    case 'snat':
    case 'redirect':
    case 'masquerade':
      return natText(kind, inner);
    case 'jump':
    case 'goto':
      return `${kind} ${asText(fields['target'])}`;
    case 'mangle':
      return `${expressionText(fields['key'])} set ${expressionText(fields['value'])}`;
    case 'xt':
      return `${asText(fields['type'])} ${asText(fields['name'])}`;
    case 'elem':
      return expressionText(fields['val']);
    case 'limit':
      return `limit rate ${asText(fields['rate'])}/${asText(fields['per'])}`;
    case 'counter':
      return '';
  }
  return kind;
}

/** Text of a rule: its statements without counters. */
export function ruleText(expressions: readonly unknown[]): string {
  return expressions
    .map(expressionText)
    .filter((text) => text !== '')
    .join(' ');
}
