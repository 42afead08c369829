/** Owns the topic environment. */

/** Text of the topic. */
export const ENVIRONMENT = `Where a value comes from, the strongest first:

  1. the flag                      --endpoints http://10.0.0.1:2379
  2. its variable                  SLUICE_ENDPOINTS=http://10.0.0.1:2379
  3. the context                   --context prod, SLUICE_CONTEXT, or current-context of a file
  4. /etc/sluice/config.yaml
  5. the default

Every flag has a variable: --state-dir is SLUICE_STATE_DIR, --no-headers is SLUICE_NO_HEADERS=true. Lists are separated by
commas. An empty variable counts as not set.

Files hold flag names without dashes. Contexts may stand in /etc/sluice/config.yaml and in ~/.config/sluice/config.yaml
($XDG_CONFIG_HOME is heeded); the user's own win. Settings outside of contexts stand in /etc/sluice/config.yaml only.

  endpoints: [https://10.0.0.1:2379, https://10.0.0.2:2379, https://10.0.0.3:2379]
  cacert: /etc/sluice/ca.pem
  current-context: prod
  contexts:
    prod: { cert: /etc/sluice/admin.pem, key: /etc/sluice/admin.key }
    site: { server: [https://10.0.0.5:7070, https://10.0.0.6:7070], token-file: /etc/sluice/token }
    lab:  { endpoints: http://127.0.0.1:2379, prefix: /lab/ }

--server (API servers) and --endpoints (etcd) exclude each other: the stronger source wins, and one source cannot name both.

An unknown key or a value that cannot be used is an error (78) with file and line. Secrets are read from files only.

Colour: --color, then NO_COLOR, FORCE_COLOR, TERM=dumb, then whether the stream is a terminal.
`;
