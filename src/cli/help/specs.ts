/** Owns the topic specs. */

/** Text of the topic. */
export const SPECS = `sluice publish -f FILE reads one or several services from YAML or JSON; - is stdin. Documents are separated by ---.

  kind: Service
  name: web
  entries: ["10.96.0.10:80/tcp"]
  instances:
    - 10.0.1.11:8080
    - 10.0.1.12:8080=3
  masquerade: true
  affinity: client-ip=30m
  announce: true
  policy:                              as it is now if not said
    weights: adaptive                  static (the default of listed instances), equal
    slowStart: 10s                     a new instance gets its full share after so long
    scaling: {min: 2, max: 20, cpu: 70%, connections: 200, rate: 50, mode: act, downAfter: 5m}     with a template only

Names are 1 to 63 of a-z, 0-9 and -. Addresses are numeric; IPv6 is written [fd00::1]:80. Protocols are tcp and udp. A weight
is a whole number from 0 to 65535, 1 if not said; 0 means no new connections.
Affinity keeps a client with its instance until it made no new connection for that long; none if not said.
Announce has one node at a time answer for the entry's address (ARP, ND), for clients of the same network that have no route to
it; false if not said. It sets masquerade, unless the file says false, since instances would answer such clients past the node.

The list of instances is the full set: publishing a list without an instance that is stored removes it, which asks on a
terminal and needs --replace elsewhere. sluice instance add|set|remove changes single instances.

A service whose instances register themselves (sluice apiserver, Eureka clients) names their app instead of instances:

  registry: WEB

A service whose instances sluice starts has a template instead of instances; only command (or image) must be there:

  replicas: 3                          as many as now if not said, 1 of a new service
  template:
    driver: process                    process, exec, systemd, podman
    command: node server.js --port {port}      or a list of words; no shell reads it
    hooks: {stop: [...], status: [...]}        of driver exec
    image: nginx:1.27                  of driver podman
    env: {MODE: production}
    workingDirectory: /srv/web
    user: web                          if not said, the node's policy says it
    ports: 20000-29999
    limits: {cpu: 0.5, memory: 256MiB, pids: 100, files: 1024}       none if not said
    probe: {kind: tcp, interval: 2s, timeout: 1s, successes: 2, failures: 3, start: 30s}
           kind tcp: send, expect; http: path (/), host, status (200-399); exec: command
    preStop: {command: [...], timeout: 10s}
    stopSignal: SIGTERM
    grace: 10s                         from the signal to KILL
    drain: 60s                         for open connections to end
    onDeadline: leave                  or reset
    logs: {max: 10MiB, keep: 5}        of each of stdout and stderr
    nodeSelector: {zone: a}

{port}, {ip}, {id}, {service} and {node} are replaced in command, hooks, env, probe and preStop; another name in braces is a
mistake, and {{name}} stands for {name} itself. A changed template replaces the instances one at a time, each new one ready first.

A mistake is reported with file, line, field, value and what is allowed (65), and nothing is written.
`;
