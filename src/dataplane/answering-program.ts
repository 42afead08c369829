/**
 * Owns the program that answers neighbours by ARP and ND: Node has no raw sockets, perl (essential on Debian and Ubuntu) has. It reads
 * `mode LINK IP held|kept|watch|off`, `announce IP` and `probe IP` from its input, prints `heard IP MAC` on stderr when another machine
 * answers for or announces one of its addresses, and ends with its input: when the agent dies, however it dies, nothing answers on.
 *
 * Frames: RFC 826 and 5227 (ARP), RFC 4861 4.3, 4.4 and 7.2 (ND).
 */

/** Text of the program. */
export const ANSWERING_PROGRAM = String.raw`
use strict; use warnings;
my ($AF_PACKET, $AF_INET6) = (17, 10);
my (%of, %groups);
$| = 1; select(STDERR); $| = 1;
sub raw { my ($type) = @_; socket(my $s, $AF_PACKET, 3, unpack('S', pack('n', $type))) or die "raw socket: $!\n"; return $s; }
my $arp = raw(0x0806);
my $nd = raw(0x86dd);
# Only neighbour solicitations and advertisements: next header at 20, type at 54 of the frame.
my $filter = join '', map { pack('SCCL', @$_) } [0x30,0,0,20], [0x15,0,4,58], [0x30,0,0,54], [0x35,0,2,135], [0x25,1,0,136], [6,0,0,65535], [6,0,0,0];
setsockopt($nd, 1, 26, pack('S x![P] P', 7, $filter)) or die "filter: $!\n";
socket(my $udp6, $AF_INET6, 2, 0);
socket(my $any, 2, 2, 0) or die "socket: $!\n";

sub link_index { my $r = pack('a16 x24', $_[0]); return ioctl($any, 0x8933, $r) ? unpack('x16 i', $r) : undef; }
sub link_mac { my $r = pack('a16 x24', $_[0]); return ioctl($any, 0x8927, $r) ? unpack('x18 a6', $r) : undef; }
sub packed { my ($ip) = @_;
  return pack('C4', split /\./, $ip) if $ip !~ /:/;
  my ($head, $tail) = split /::/, $ip, 2;
  my @head = split /:/, $head; my @tail = defined $tail ? split(/:/, $tail) : ();
  return pack('n8', map { hex } @head, ('0') x (8 - @head - @tail), @tail); }
sub transmit { my ($socket, $type, $index, $to, $frame) = @_;
  send($socket, $frame, 0, pack('S n i S C C a8', $AF_PACKET, $type, $index, 0, 0, 6, $to)); }
sub arp_frame { my ($to, $op, $sha, $spa, $tha, $tpa) = @_;
  return $to . $sha . pack('n n n C C n', 0x0806, 1, 0x0800, 6, 4, $op) . $sha . $spa . $tha . $tpa; }
sub sum16 { my $sum = 0; $sum += $_ for unpack('n*', $_[0]); $sum = ($sum >> 16) + ($sum & 0xffff) while $sum >> 16; return ~$sum & 0xffff; }
sub nd_frame { my ($to, $mac, $src, $dst, $body) = @_;
  my $check = sum16($src . $dst . pack('N N', length($body), 58) . $body);
  substr($body, 2, 2) = pack('n', $check);
  return $to . $mac . pack('n N n C C', 0x86dd, 0x60000000, length($body), 58, 255) . $src . $dst . $body; }
sub advert { my ($mac, $to, $dst, $flags, $ip) = @_;
  return nd_frame($to, $mac, $ip, $dst, pack('C C n N', 136, 0, 0, $flags) . $ip . pack('C C', 2, 1) . $mac); }
my $ALL = "\xff" x 6; my $NONE4 = "\0" x 4; my $NONE6 = "\0" x 16;
my $ALL6 = pack('n8', 0xff02, 0, 0, 0, 0, 0, 0, 1); my $ALL6_MAC = "\x33\x33\0\0\0\1";
sub solicited { return pack('n6', 0xff02, 0, 0, 0, 0, 1) . "\xff" . substr($_[0], 13, 3); }

# The kernel takes part in the group, so that switches and the link's own filter let its frames by.
sub group { my ($entry, $by) = @_; return if length($entry->{ip}) == 4;
  my $name = $entry->{index} . ' ' . solicited($entry->{ip}); my $before = $groups{$name} || 0; $groups{$name} = $before + $by;
  my $option = $before == 0 ? 20 : $groups{$name} == 0 ? 21 : return;
  setsockopt($udp6, 41, $option, pack('a16 I', solicited($entry->{ip}), $entry->{index})); }

sub told { my ($line) = @_;
  my ($what, @args) = split ' ', $line;
  if ($what eq 'mode') { my ($link, $text, $mode) = @args; my $ip = packed($text);
    if (my $old = delete $of{$ip}) { group($old, -1); }
    return if $mode eq 'off';
    my $index = link_index($link); return unless defined $index;
    $of{$ip} = { ip => $ip, text => $text, link => $link, index => $index, mode => $mode };
    group($of{$ip}, 1); return; }
  my $entry = $of{packed($args[0])} or return;
  my ($ip, $index, $mac) = ($entry->{ip}, $entry->{index}, link_mac($entry->{link})); return unless defined $mac;
  if ($what eq 'announce' && length($ip) == 4) {
    transmit($arp, 0x0806, $index, $ALL, arp_frame($ALL, $_, $mac, $ip, $_ == 1 ? "\0" x 6 : $ALL, $ip)) for 1, 2; }
  elsif ($what eq 'announce') { transmit($nd, 0x86dd, $index, $ALL6_MAC, advert($mac, $ALL6_MAC, $ALL6, 0x20000000, $ip)); }
  elsif (length($ip) == 4) { transmit($arp, 0x0806, $index, $ALL, arp_frame($ALL, 1, $mac, $NONE4, "\0" x 6, $ip)); }
  else { my $to = "\x33\x33" . substr(solicited($ip), 12, 4);
    transmit($nd, 0x86dd, $index, $to, nd_frame($to, $mac, $NONE6, solicited($ip), pack('C C n N', 135, 0, 0, 0) . $ip)); } }

sub heard { my ($entry, $mac) = @_; print STDERR "heard $entry->{text} ", join(':', map { sprintf '%02x', $_ } unpack('C6', $mac)), "\n"; }

# An address in reach of the packet's link that we speak for, with our own hardware address there.
sub ours { my ($ip, $index) = @_; my $entry = $of{$ip}; return unless $entry && $entry->{index} == $index;
  my $mac = link_mac($entry->{link}); return defined $mac ? ($entry, $mac) : (); }
sub answers { my ($entry, $isProbe) = @_; return $entry->{mode} eq 'held' || ($entry->{mode} eq 'kept' && !$isProbe); }

sub on_arp { my ($frame, $index) = @_; return if length($frame) < 42;
  my ($kind, $op, $sha, $spa, $tpa) = unpack('x12 n x6 n a6 a4 x6 a4', $frame);
  if (my ($entry, $mac) = ours($spa, $index)) { heard($entry, $sha) if $sha ne $mac; return; }
  my ($entry, $mac) = $op == 1 ? ours($tpa, $index) : (); return unless $entry && $sha ne $mac && answers($entry, $spa eq $NONE4);
  transmit($arp, 0x0806, $index, $sha, arp_frame($sha, 2, $mac, $tpa, $sha, $spa)); }

sub on_nd { my ($frame, $index) = @_; return if length($frame) < 78;
  my ($from, $hops, $src, $type, $target) = unpack('x6 a6 x9 C a16 x16 C x7 a16', $frame); return if $hops != 255;
  my ($entry, $mac) = ours($target, $index); return unless $entry && $from ne $mac;
  if ($type == 136) { heard($entry, $from); return; }
  my $isProbe = $src eq $NONE6; return unless answers($entry, $isProbe);
  my ($to, $dst, $flags) = $isProbe ? ($ALL6_MAC, $ALL6, 0x20000000) : ($from, $src, 0x60000000);
  transmit($nd, 0x86dd, $index, $to, advert($mac, $to, $dst, $flags, $target)); }

print STDERR "ready\n";
# A link that was made anew has another index.
sub refresh { for my $entry (values %of) { my $now = link_index($entry->{link});
  next if !defined $now || $now == $entry->{index};
  group($entry, -1); $entry->{index} = $now; group($entry, 1); } }
my ($left, $looked) = ('', time);
while (1) {
  my $in = ''; vec($in, fileno($_), 1) = 1 for \*STDIN, $arp, $nd;
  my $count = select($in, undef, undef, 5);
  if (time - $looked >= 5 || time < $looked) { refresh(); $looked = time; }
  next unless $count > 0;
  if (vec($in, fileno(STDIN), 1)) {
    sysread(STDIN, $left, 65536, length $left) or exit 0;
    told($1) while $left =~ s/^([^\n]*)\n//; }
  for ([$arp, \&on_arp], [$nd, \&on_nd]) { my ($socket, $take) = @$_; next unless vec($in, fileno($socket), 1);
    my $from = recv($socket, my $frame, 2048, 0); next unless defined $from && length $from >= 11;
    my ($index, $kind) = unpack('x4 i x2 C', $from);
    $take->($frame, $index) if $kind != 4; }
}
`;
