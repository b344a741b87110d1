import { filesPart } from '../../ssh/agent/agent-files.ts'
import { httpPart } from '../../ssh/agent/agent-http.ts'
import { agentProgram, type AgentTiming } from '../../ssh/agent/agent-program.ts'

/**
 * The program that the node runs while it fetches a file. A range goes from the store to its place in the file, then to
 * the disk; then it is read back for its sum, which proves the way into the file, not the platter under it. Its bytes are
 * summed up as they come, too: nobody may know what they are to be.
 */
export function pullProgram(timing: AgentTiming): string {
  return agentProgram(
    timing,
    [filesPart, httpPart, fetchingPart],
    ['look', 'crc', 'create', 'fetch', 'finish', 'discard'],
  )
}

const fetchingPart = String.raw`# ---- fetching

use Compress::Raw::Zlib ();
use IO::Handle ();

my $LOOK_SECONDS = 10;

# A file that may not grow further is a refusal to be told, not the end of the program.
$SIG{XFSZ} = 'IGNORE';

sub refuse_write {
  my ($doing) = @_;
  my $text = "$doing: $!";
  fail('full', $text) if $!{ENOSPC} || $!{EDQUOT} || $!{EFBIG};
  fail('foreign', $text) if $!{ELOOP} || $!{EISDIR} || $!{ENXIO};
  fail('denied', $text) if $!{EROFS};
  refuse_file($doing);
}

sub bytes_of { Encode::encode('UTF-8', $_[0]) }

# Does what may take long in a process of its own, so that slow isn't silent. Returns its output.
sub aside {
  my ($seconds, $work) = @_;
  my $child = open my $pipe, '-|';
  fail('bug', "fork: $!") unless defined $child;
  if (!$child) { eval { $work->() }; POSIX::_exit(0) }
  my $said = '';
  while (await_handle($pipe, 0, $seconds)) {
    my $count = sysread $pipe, $said, 4096, length $said;
    last if defined $count && $count == 0;
    last if !defined $count && !$!{EINTR};
  }
  # Closing would wait for one that hangs.
  kill 'KILL', $child;
  close $pipe;
  return $said;
}

sub to_disk {
  my ($handle) = @_;
  my $said = aside(3600, sub { syswrite STDOUT, $handle->sync ? 'done' : $!{ENOSPC} || $!{EDQUOT} ? "full $!" : "disk $!" });
  return if $said eq 'done';
  my ($kind, $text) = $said =~ /^(full|disk) (.*)/s;
  fail($kind || 'disk', 'sync: ' . ($text || 'no answer'));
}

# What lies under a name, itself and not what it leads to; nothing for a name that is free.
sub under {
  my ($path) = @_;
  my @stat = lstat $path;
  return @stat if @stat;
  return if $!{ENOENT};
  refuse_file('lstat');
}

sub do_look {
  my ($ask) = @_;
  my $folder = bytes_of($ask->{folder});
  my @stat = stat("$folder/.") or refuse_file('enter');
  fail('irregular', 'not a folder') unless S_ISDIR($stat[2]);
  POSIX::access("$folder/.", POSIX::W_OK() | POSIX::X_OK()) or refuse_write('write');
  my %found = (ok => 'look');
  for my $name (grep { defined $ask->{$_} } qw(temporary final)) {
    my @file = under(bytes_of($ask->{$name})) or next;
    # Blocks count 512 bytes each, whatever the file system's are.
    $found{$name} = { sizeBytes => $file[7] + 0, allocatedBytes => ($file[12] || 0) * 512,
      regular => S_ISREG($file[2]) ? 1 : 0, own => $file[4] == $> ? 1 : 0 };
  }
  # Perl has no statvfs. Where df says nothing, nothing is known.
  my $df = aside($LOOK_SECONDS, sub {
    open STDERR, '>', '/dev/null';
    $ENV{LC_ALL} = 'C';
    exec 'df', '-Pk', '--', $folder;
  });
  $found{freeBytes} = $1 * 1024 if $df =~ /^\S.*?\s\d+\s+\d+\s+(\d+)\s+\d+%\s/m;
  return \%found;
}

# Never what a link leads to, and never to hang on a pipe that someone put there.
sub open_file {
  my ($path, $mode) = @_;
  sysopen $file, bytes_of($path), $mode | O_NONBLOCK | Fcntl::O_NOFOLLOW(), 0640 or refuse_write('open');
  my @stat = stat $file or refuse_file('stat');
  fail('foreign', 'not a regular file') unless S_ISREG($stat[2]);
  return @stat;
}

sub open_temporary {
  my ($path) = @_;
  my @stat = open_file($path, Fcntl::O_RDWR() | Fcntl::O_CREAT());
  fail('foreign', 'it belongs to another user') unless $stat[4] == $>;
}

sub sum_of_range {
  my ($ask) = @_;
  my $crc32 = 0;
  each_block($ask, sub { my ($block) = @_; $crc32 = Compress::Raw::Zlib::crc32($$block, $crc32); 1 });
  return $crc32 + 0;
}

sub do_crc {
  my ($ask) = @_;
  my @stat = open_file($ask->{path}, O_RDONLY);
  return { ok => 'crc', crc32 => sum_of_range($ask), sizeBytes => $stat[7] + 0 };
}

sub do_create { open_temporary($_[0]{path}); return { ok => 'create' } }

sub do_fetch {
  my ($ask) = @_;
  open_temporary($ask->{path});
  my ($authority, $target) = reach_url($ask->{url});
  my $head = "GET $target HTTP/1.1\r\nHost: $authority\r\n";
  for (sort keys %{ $ask->{headers} }) { $head .= "$_: $ask->{headers}{$_}\r\n" }
  $head .= "\r\n";
  my $inbox = '';
  send_bytes(\$head, \$inbox);
  my ($status, $header);
  do { ($status, $header) = parse_head(\$inbox) } while $status < 200;
  if ($status != 206) {
    # All of an object may come where a range was asked for; its end isn't waited for.
    my $body = $status < 300 ? '' : parse_body(\$inbox, $header);
    hang_up() if $status < 300;
    return { ok => 'fetch', %{ answer($status, $header, $body) } };
  }
  # Nothing is written before it is clear that it is this range of this object.
  if (($header->{etag} || '') ne $ask->{headers}{'if-match'}) {
    hang_up();
    return { ok => 'fetch', %{ answer($status, $header, '') } };
  }
  my ($first, $last) = ($ask->{positionBytes}, $ask->{positionBytes} + $ask->{sizeBytes} - 1);
  if (($header->{'content-range'} || '') !~ m{^bytes $first-$last/} || ($header->{'content-length'} || '') ne $ask->{sizeBytes}) {
    hang_up();
    fail('garbled', 'the answer is not the range that was asked for');
  }
  my $arrived = receive_range($ask, \$inbox);
  hang_up() if lc($header->{connection} || '') eq 'close';
  to_disk($file);
  return { ok => 'fetch', %{ answer($status, $header, '') }, sums => { arrived => $arrived, written => sum_of_range($ask) } };
}

# Returns the sum of what came.
sub receive_range {
  my ($ask, $inbox) = @_;
  defined sysseek $file, $ask->{positionBytes}, SEEK_SET or refuse_file('seek');
  my $left = $ask->{sizeBytes};
  my $crc32 = 0;
  while ($left > 0) {
    heed();
    my $block = $left < $BLOCK_BYTES ? $left : $BLOCK_BYTES;
    if (length $$inbox < $block) {
      take_bytes($inbox, $STALL_SECONDS) or do { hang_up(); fail('stall', 'the store sent nothing') };
      next;
    }
    my $bytes = substr $$inbox, 0, $block, '';
    $crc32 = Compress::Raw::Zlib::crc32($bytes, $crc32);
    my $at = 0;
    while ($at < $block) {
      my $count = syswrite $file, $bytes, $block - $at, $at;
      if (defined $count) { $at += $count } elsif (!$!{EINTR}) { refuse_write('write') }
    }
    $left -= $block;
  }
  if (length $$inbox) { hang_up(); fail('garbled', 'the answer is longer than it said') }
  return $crc32 + 0;
}

# Gives the file its name, unless another has it. A second name can't replace a file, as renaming would.
sub do_finish {
  my ($ask) = @_;
  my ($temporary, $final) = (bytes_of($ask->{temporary}), bytes_of($ask->{final}));
  return { ok => 'finish', state => 'gone' } unless under($temporary);
  my @own = open_file($ask->{temporary}, O_RDONLY);
  return { ok => 'finish', state => 'size', sizeBytes => $own[7] + 0 } unless $own[7] == $ask->{sizeBytes};
  to_disk($file);
  if (!link $temporary, $final) {
    my $unlinkable = $!{EPERM} || $!{EOPNOTSUPP} || $!{ENOSYS} || $!{EMLINK};
    refuse_write('link') unless $unlinkable || $!{EEXIST};
    my @other = under($final);
    if (@other) { return { ok => 'finish', state => 'taken' } unless $other[0] == $own[0] && $other[1] == $own[1] }
    elsif (!$unlinkable) { return { ok => 'finish', state => 'taken' } }
    # A file system without second names: between the look and this, another file could come.
    else { rename $temporary, $final or refuse_write('rename') }
  }
  unlink $temporary or $!{ENOENT} or refuse_write('unlink');
  # Where a folder can't be synced, its file system does it by itself.
  eval { to_disk($file) } if sysopen $file, bytes_of($ask->{folder}), O_RDONLY;
  return { ok => 'finish', state => 'made' };
}

sub do_discard {
  my ($ask) = @_;
  my @stat = under(bytes_of($ask->{path}));
  unlink bytes_of($ask->{path}) or $!{ENOENT} or refuse_write('unlink') if @stat;
  return { ok => 'discard' };
}
`
