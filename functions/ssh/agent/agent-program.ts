import type { Verb } from './agent-answers.ts'

export interface AgentTiming {
  /** How often the agent speaks while it works. */
  speakSeconds: number
  /** How long it goes on without having heard anything. */
  unheardSeconds: number
}

/**
 * A program that a node runs for us. It is Perl because a Proxmox node can't be without it (the management software is
 * written in it): everything used is in Debian's `perl` or in libio-socket-ssl-perl, which libpve-http-server-perl
 * depends on. curl is on no such list. Nothing is installed; the program arrives on standard input and is gone with its
 * process.
 *
 * The dialogue: one JSON object a line. Guestlift asks one thing at a time and the agent answers with one object that
 * has `ok` or `fail`; before it may come any number of `working` (so that slow isn't silent) and, for `read`, `data`
 * lines, each followed by that many raw bytes. Empty lines from Guestlift are signs of life. The agent ends at once when
 * its input ends, and when it has heard nothing for `unheardSeconds`: a function that is frozen rather than ended closes nothing.
 *
 * @param parts Perl in ASCII, in the order of their need; see `agent-files.ts` and `agent-http.ts`
 * @param verbs what it may be asked; `do_<verb>` in the parts answers
 */
export function agentProgram(timing: AgentTiming, parts: readonly string[], verbs: readonly Verb[]): string {
  const table = verbs.map((verb) => String.raw`${verb} => \&do_${verb}`).join(', ')
  return [beginning(timing), ...parts, `my %do = (${table});`, mainLoop].join('\n')
}

function beginning({ speakSeconds, unheardSeconds }: AgentTiming): string {
  return String.raw`use strict;
use warnings;
use Errno ();
use Fcntl ();
use JSON::PP ();
use POSIX ();
use Time::HiRes ();

my $SAY_EVERY_SECONDS = ${speakSeconds};
my $UNHEARD_SECONDS = ${unheardSeconds};
my $TICK_SECONDS = $SAY_EVERY_SECONDS < 1 ? $SAY_EVERY_SECONDS : 1;

my $json = JSON::PP->new->utf8->ascii->canonical;
my ($heard, $heard_at, $said_at, $busy) = ('', now(), now(), 0);

sub now { Time::HiRes::clock_gettime(Time::HiRes::CLOCK_MONOTONIC()) }

# Ends the request under way, not the program.
sub fail { my ($kind, $text) = @_; die { fail => $kind, text => "$text" } }

# Nobody is there to be told, and whatever was being sent must stop.
sub leave { POSIX::_exit(0) }

sub hear {
  my $count = sysread STDIN, $heard, 65536, length $heard;
  leave() if defined $count ? $count == 0 : !($!{EAGAIN} || $!{EINTR});
  leave() if length $heard > 1024 * 1024;
  $heard_at = now();
}

# The one place that waits: until the handle is ready, the time is over (then it returns false), or Guestlift is gone.
sub await_handle {
  my ($handle, $writing, $seconds) = @_;
  my $until = now() + $seconds;
  for (;;) {
    leave() if now() - $heard_at > $UNHEARD_SECONDS;
    # Not while saying something: this would land in the middle of it.
    say_working() unless defined $handle && fileno($handle) == fileno(STDOUT);
    my $left = $until - now();
    my ($readable, $writable) = ('', '');
    vec($readable, fileno(STDIN), 1) = 1;
    if (defined $handle) { vec($writing ? $writable : $readable, fileno($handle), 1) = 1 }
    my $found = select $readable, $writable, undef, $left < 0 ? 0 : $left < $TICK_SECONDS ? $left : $TICK_SECONDS;
    if ($found > 0) {
      hear() if vec($readable, fileno(STDIN), 1);
      return 1 if !defined $handle || vec($writing ? $writable : $readable, fileno($handle), 1);
    }
    return 0 if $left <= 0;
  }
}

sub heed { await_handle(undef, 0, 0) }

sub emit {
  my ($bytes) = @_;
  my $at = 0;
  while ($at < length $bytes) {
    my $count = syswrite STDOUT, $bytes, length($bytes) - $at, $at;
    if (defined $count) { $at += $count }
    elsif ($!{EAGAIN} || $!{EINTR}) { await_handle(\*STDOUT, 1, 1) }
    else { leave() }
  }
  $said_at = now();
}

sub say_line { emit($json->encode($_[0]) . "\n") }
sub say_working { say_line({ working => 1 }) if $busy && now() - $said_at >= $SAY_EVERY_SECONDS }
`
}

const mainLoop = String.raw`
$SIG{PIPE} = 'IGNORE';
# stdin and stdout may be one socket; the one place that waits serves both.
for (\*STDIN, \*STDOUT) { my $flags = fcntl $_, Fcntl::F_GETFL(), 0; fcntl $_, Fcntl::F_SETFL(), $flags | Fcntl::O_NONBLOCK() }
emit("guestlift-agent 1\n");
for (;;) {
  my $end;
  await_handle(\*STDIN, 0, 3600) while ($end = index $heard, "\n") < 0;
  my $line = substr $heard, 0, $end + 1, '';
  next if $line eq "\n";
  $busy = 1;
  $said_at = now();
  my $answer = eval {
    my $ask = $json->decode($line);
    my $action = $do{ $ask->{do} } or die "no such request\n";
    $action->($ask);
  };
  if (!$answer) {
    my $trouble = $@;
    # A request that failed halfway leaves a connection that is halfway.
    hang_up();
    $answer = ref $trouble eq 'HASH' ? $trouble : { fail => 'bug', text => first_line("$trouble") };
  }
  $busy = 0;
  say_line($answer);
}
`
