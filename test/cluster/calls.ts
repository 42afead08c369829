/** Owns single calls to a service from any machine of a lab, and what the instance counted. */
import type { Workplace } from '../../src/dev/machine.ts';

/** Prints what an instance answered over PROTOCOL at IP and PORT, or the error. */
const CALL = `const [protocol, ip, port, text] = process.argv.slice(1);
  const say = (text) => { console.log(String(text)); process.exit(); };
  setTimeout(() => say('silence'), 3000);
  if (protocol === 'tcp') { const s = require('node:net').connect(+port, ip, () => s.write(text)); s.on('data', say); s.on('error', (e) => say(e.code)); }
  else { const u = require('node:dgram').createSocket(ip.includes(':') ? 'udp6' : 'udp4');
    u.on('error', (e) => say(e.code)); u.on('message', say); u.connect(+port, ip, () => u.send(text)); }`;

/** What is called. */
export interface CallTarget {
  readonly protocol: 'tcp' | 'udp';
  readonly ip: string;
  /** Default 80. */
  readonly port?: number;
}

/** Calls a service once: `NAME x` from an instance of that name, an error code, or `silence` after 3 s. */
export async function call(machine: Workplace, { protocol, ip, port = 80 }: CallTarget): Promise<string> {
  const argv = [process.execPath, '-e', CALL, protocol, ip, String(port), 'x'];
  return (await machine.run(argv, { timeoutMs: 20_000 })).stdout.trim();
}

/** How many connections an instance has had, by its own word, asked on its own machine. */
export async function accepted(machine: Workplace, port: number): Promise<number> {
  const ask = `require('node:http').get('http://${machine.address}:${port}/stats', (answer) => answer.on('data', (data) => console.log(String(data))))`;
  const { stdout } = await machine.run([process.execPath, '-e', ask]);
  return Number(/"accepted":(\d+)/.exec(stdout)?.[1]);
}

/** One echo request over IPv4; prints `reply` or, after a second, `silence`. */
const PING = `use Socket; my $ip = inet_aton($ARGV[0]); socket(my $s, 2, 3, 1) or die $!;
  my $sum = ~(0x0800 + 0x1234 + 1) & 0xffff; send($s, pack('C C n n n', 8, 0, $sum, 0x1234, 1), 0, pack_sockaddr_in(0, $ip)) or die $!;
  my $in = ''; vec($in, fileno($s), 1) = 1; my $end = time + 2;
  while (time < $end && select(my $ready = $in, undef, undef, 1)) { recv($s, my $p, 200, 0);
    my ($src, $type, $id) = unpack('x12 a4 x4 C x3 n', $p); if ($src eq $ip && $type == 0 && $id == 0x1234) { print "reply"; exit } }
  print "silence"`;

/** Pings an IPv4 address. */
export async function ping(machine: Workplace, ip: string): Promise<string> {
  const { stdout, stderr } = await machine.run(['perl', '-e', PING, ip], { timeoutMs: 20_000 });
  return stdout.trim() || stderr.trim();
}
