/** Owns single calls to a service from any machine of a lab, and what the instance counted. */
import type { Workplace } from '../../src/dev/machine.ts';

/** Opens `$s` to $ip and $port; prints the error's code and ends if that fails, or `silence` after 3 s. In perl, since it starts quickly. */
const OPEN = `use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6); use Errno; $| = 1;
  sub tell_ { print "$_[0]\\n"; exit } sub failed { tell_((grep { $!{$_} } sort keys %!)[0]) }
  $SIG{ALRM} = sub { tell_('silence') }; alarm 3;
  sub opened { my ($type, $ip, $port) = @_; my $six = $ip =~ /:/;
    socket(my $s, $six ? AF_INET6 : AF_INET, $type, 0) or failed();
    connect($s, $six ? pack_sockaddr_in6($port, inet_pton(AF_INET6, $ip)) : pack_sockaddr_in($port, inet_aton($ip))) or failed();
    return $s }`;

/**
 * Prints what an instance answered over PROTOCOL at IP and PORT to TEXT. A datagram that a rule of this very node refuses fails with EPERM; the
 * ICMP error of that rule is what comes back.
 */
const CALL = `${OPEN} my ($protocol, $ip, $port, $text) = @ARGV;
  my $s = opened($protocol eq 'tcp' ? SOCK_STREAM : SOCK_DGRAM, $ip, $port);
  defined send($s, $text, 0) or $protocol eq 'udp' or failed(); defined recv($s, my $heard, 65536, 0) or failed(); tell_($heard)`;

/** Prints the answer to a request for /stats over HTTP at IP and PORT. */
const STATS = `${OPEN} my $s = opened(SOCK_STREAM, @ARGV);
  send($s, "GET /stats HTTP/1.0\\r\\n\\r\\n", 0); print while <$s>`;

/** What is called. */
export interface CallTarget {
  readonly protocol: 'tcp' | 'udp';
  readonly ip: string;
  /** Default 80. */
  readonly port?: number;
}

/** Calls a service once: `NAME x` from an instance of that name, an error code, or `silence` after 3 s. */
export async function call(machine: Workplace, { protocol, ip, port = 80 }: CallTarget): Promise<string> {
  const argv = ['perl', '-e', CALL, protocol, ip, String(port), 'x'];
  return (await machine.run(argv, { timeoutMs: 20_000 })).stdout.trim();
}

/** How many connections an instance has had, by its own word, asked on its own machine. */
export async function accepted(machine: Workplace, port: number): Promise<number> {
  const { stdout } = await machine.run(['perl', '-e', STATS, machine.address, String(port)]);
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
