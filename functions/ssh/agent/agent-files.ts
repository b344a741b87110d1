/**
 * The part of an agent that reads a file: 1 MiB at a time, whatever a range's size. A file that is open is in `$file`.
 * No `${` and no backtick may stand in it.
 */
export const filesPart = String.raw`# ---- the file

use Encode ();
use Fcntl qw(O_RDONLY O_NONBLOCK SEEK_SET S_ISDIR S_ISREG);

my $BLOCK_BYTES = 1024 * 1024;
my $file;

sub refuse_file {
  my ($doing) = @_;
  my $kind = $!{ENOENT} || $!{ENOTDIR} ? 'missing' : $!{EACCES} || $!{EPERM} ? 'denied' : 'disk';
  fail($kind, "$doing: $!");
}

sub identity {
  my (@stat) = @_;
  fail('irregular', 'not a regular file') unless S_ISREG($stat[2]);
  return (sizeBytes => $stat[7] + 0, modifiedMilliseconds => POSIX::floor($stat[9] * 1000 + 0.0005));
}

sub path_of { Encode::encode('UTF-8', $_[0]{path}) }

sub do_stat {
  my @stat = Time::HiRes::stat(path_of($_[0])) or refuse_file('stat');
  return { ok => 'stat', identity(@stat) };
}

sub do_open {
  my ($ask) = @_;
  # Not to hang on a pipe that someone put there.
  sysopen $file, path_of($ask), O_RDONLY | O_NONBLOCK or refuse_file('open');
  my @stat = Time::HiRes::stat($file) or refuse_file('stat');
  return { ok => 'open', identity(@stat) };
}

# Calls back with each block of a range; the block is passed by reference and is used again.
sub each_block {
  my ($ask, $use) = @_;
  die "no file is open\n" unless $file;
  defined sysseek $file, $ask->{positionBytes}, SEEK_SET or refuse_file('seek');
  my $left = $ask->{sizeBytes};
  my $block = '';
  while ($left > 0) {
    heed();
    my $count = sysread $file, $block, $left < $BLOCK_BYTES ? $left : $BLOCK_BYTES;
    if (!defined $count) { next if $!{EINTR}; refuse_file('read') }
    fail('short', 'the file ends here') if $count == 0;
    $left -= $count;
    $use->(\$block) or return;
  }
}
`
