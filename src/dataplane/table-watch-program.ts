/**
 * Owns the program that tells of every commit to nf_tables, by whoever: Node has no netlink, perl (essential on Debian and Ubuntu) has. It
 * prints, as a commit comes, `event new|del KIND FAMILY TABLE NAME MARKS` for what it changed, each once, then `commit PID NAME`; `missed` if
 * the kernel had to drop events. MARKS: `ours` if the message names something of sluice (a rule that jumps to a chain of ours does), `drop` for
 * a chain whose policy is drop, `-` for neither. A commit that changed more than MANY things is told by table, with `*` for the name.
 *
 * It replaces xtables-monitor, which ends at the first native rule that iptables has no words for, and `nft monitor`, which keeps the whole
 * ruleset in memory. Messages: linux/netfilter/nf_tables.h.
 */

/** Text of the program. */
export const TABLE_WATCH_PROGRAM = String.raw`
use strict; use warnings;
my ($MANY, $ENOBUFS, $EINTR) = (200, 105, 4);
my %kind = (0 => 'new table', 2 => 'del table', 3 => 'new chain', 5 => 'del chain', 6 => 'new rule', 8 => 'del rule', 9 => 'new set',
  11 => 'del set', 12 => 'new element', 14 => 'del element');
# Attributes that hold the table and the name, by kind of thing; the name of a rule is that of its chain.
my %name_at = (table => 1, chain => 3, rule => 2, set => 2, element => 2);
my %family = (1 => 'inet', 2 => 'ip', 3 => 'arp', 5 => 'netdev', 7 => 'bridge', 10 => 'ip6');

socket(my $s, 16, 3, 12) or die "netlink socket: $!\n";
# Up to 8 MiB of events may wait; without the right to that, what the system allows.
setsockopt($s, 1, 33, pack('i', 8 << 20)) or setsockopt($s, 1, 8, pack('i', 8 << 20));
bind($s, pack('S S L L', 16, 0, 0, 0)) or die "bind: $!\n";
setsockopt($s, 270, 1, pack('i', 7)) or die "nf_tables events: $!\n";

sub attributes { my ($body) = @_; my %found; my $at = 0;
  while ($at + 4 <= length $body) { my ($len, $type) = unpack('S S', substr($body, $at, 4)); last if $len < 4;
    $found{$type & 0x3fff} = substr($body, $at + 4, $len - 4); $at += ($len + 3) & ~3; }
  return \%found; }
sub word { my ($text) = @_; return '-' unless defined $text; $text =~ s/\0.*//s; $text =~ s/[^!-~]/?/g; return $text eq '' ? '-' : $text; }
sub say_all { my $text = join('', map { "$_\n" } @_); my $at = 0;
  while ($at < length $text) { my $n = syswrite(STDOUT, $text, length($text) - $at, $at); exit 0 unless defined $n; $at += $n; } }

my (%seen, %told, @events);
sub keep { my ($event) = @_; push @events, "event $event" unless $seen{$event}++; }
sub on_message { my ($type, $body) = @_; return unless $type >> 8 == 10; my $message = $type & 0xff;
  if ($message == 15) { my $attr = attributes(substr $body, 4);
    my $pid = unpack('N', $attr->{2} // "\0\0\0\0"); my $name = $attr->{3} // '-'; $name =~ s/\0.*//s; $name =~ s/[^ -~]/?/g;
    say_all(@events, "commit $pid $name"); @events = (); %seen = (); %told = (); return; }
  my $kind = $kind{$message} or return; # Of a load of 10,000 services all but the first messages end here.
  my $start = $message . substr($body, 0, 16); return if $told{$start}; my (undef, $what) = split ' ', $kind;
  my $attr = attributes(substr $body, 4); my $table = word($attr->{1}); my $family = $family{unpack 'C', $body} // '-';
  my @marks; push @marks, 'ours' if $body =~ /sluice/i;
  push @marks, 'drop' if $what eq 'chain' && defined $attr->{5} && unpack('N', $attr->{5}) == 0;
  my $name = @events < $MANY ? word($attr->{$name_at{$what}}) : '*';
  $told{$start} = 1 if $name eq '*' && @marks && $marks[0] eq 'ours';
  keep("$kind $family $table $name " . (@marks ? join(',', @marks) : '-')); }

say_all('ready');
while (1) {
  my $from = recv($s, my $data, 1 << 20, 0);
  if (!defined $from) { next if $! == $EINTR; die "netlink: $!\n" unless $! == $ENOBUFS; @events = (); %seen = (); %told = (); say_all('missed'); next; }
  my $at = 0;
  while ($at + 16 <= length $data) { my ($len, $type) = unpack('L S', substr($data, $at, 6)); last if $len < 16;
    on_message($type, substr($data, $at + 16, $len - 16)) if $len >= 20; $at += ($len + 3) & ~3; } }
`;
