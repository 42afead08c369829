/** Owns results as YAML: the JSON envelope in YAML's clothes. Loaded only for `-o yaml`. */
import { stringify } from 'yaml';

/** YAML 1.2 text of JSON data, without anchors, ended by a newline. */
export function formatYaml(value: object): string {
  return stringify(JSON.parse(JSON.stringify(value)), { aliasDuplicateObjects: false, lineWidth: 0 });
}
