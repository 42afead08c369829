/**
 * Owns the program that counts TCP sockets by address: Node has no netlink, perl (essential on Debian and Ubuntu) has. For each line
 * `LOWEST HIGHEST` on its input it answers on stderr: `c HEXADDRESS PORT N` (N established), `l HEXADDRESS PORT N` (listening, N waiting to be
 * accepted) for all sockets bound to a port in between, then `end` or `failed WHY`. It ends with its input.
 *
 * The kernel sends only what is asked for (states, ports) of both families in one look; /proc/net/tcp would print every socket, those in
 * TIME_WAIT too, of which short connections leave tens of thousands. Messages: linux/inet_diag.h (the request without a family), sock_diag(7).
 */

/** Text of the program. */
export const SOCKETS_PROGRAM = String.raw`
use strict; use warnings;
my ($TCPDIAG_GETSOCK, $REQUEST_DUMP, $DONE, $ERROR, $EINTR) = (18, 0x301, 3, 2, 4);
my ($ESTABLISHED, $LISTEN, $PORT_GE, $PORT_LE) = (1, 10, 2, 3);
$| = 1; select(STDERR); $| = 1;
socket(my $s, 16, 3, 4) or die "netlink socket: $!\n";

# Operations are 4 bytes, each followed by one with its port; a socket for which one does not hold jumps 4 beyond the end.
sub filter { my ($low, $high) = @_;
  my $ops = pack('CCS CCS CCS CCS', $PORT_GE, 8, 20, 0, 0, $low, $PORT_LE, 8, 12, 0, 0, $high);
  return pack('SS', 4 + length $ops, 1) . $ops; }

sub count { my ($low, $high) = @_; my (%established, %waiting);
  my $request = pack('CCCC x48 LL', 0, 0, 0, 0, 1 << $ESTABLISHED | 1 << $LISTEN, 0) . filter($low, $high);
  send($s, pack('LSSLL', 16 + length $request, $TCPDIAG_GETSOCK, $REQUEST_DUMP, 1, 0) . $request, 0) or return "failed send: $!\n";
  while (1) {
    my $data; if (!defined recv($s, $data, 1 << 18, 0)) { next if $! == $EINTR; return "failed receive: $!\n"; }
    my ($at, $end) = (0, length $data);
    while ($at + 16 <= $end) { my ($len, $type) = unpack("\@$at L S", $data); return "failed message\n" if $len < 16;
      if ($type == $DONE) { return join('', map({; 'c ' . name($_) . " $established{$_}\n" } keys %established),
        map({; 'l ' . name($_) . " $waiting{$_}\n" } keys %waiting), "end\n"); }
      if ($type == $ERROR) { $! = -unpack("\@" . ($at + 16) . 'l', $data); return "failed: $!\n"; }
      # Family, state, then, at 4, source port, destination port, source address; at 56 the queue.
      if ($len >= 88) { my $key = substr($data, $at + 16, 1) . substr($data, $at + 20, 2) . substr($data, $at + 24, 16);
        if (vec($data, $at + 17, 8) == $ESTABLISHED) { $established{$key}++ }
        else { $waiting{$key} += unpack("\@" . ($at + 72) . 'L', $data) } }
      $at += ($len + 3) & ~3; } } }

# IPv4 as 8 digits also where it is inside IPv6.
sub name { my ($family, $port, $ip) = unpack('C n a16', $_[0]); my $hex = unpack('H*', $ip);
  $hex = substr($hex, 0, 8) if $family == 2; $hex =~ s/^0{20}ffff//; return "$hex $port"; }

while (my $line = <STDIN>) { print $line =~ /^(\d+) (\d+)$/ ? count($1, $2) : "failed request\n"; }
`;
