import { filesPart } from '../../ssh/agent/agent-files.ts'
import { httpPart } from '../../ssh/agent/agent-http.ts'
import { probePart } from '../../ssh/agent/agent-probe.ts'
import { agentProgram, type AgentTiming } from '../../ssh/agent/agent-program.ts'

/**
 * The program that the node runs while it sends parts. A range is read once for its sums and once, then from the page
 * cache, to be sent. Bytes that changed in between don't fit the signed sums, and S3 refuses them.
 */
export function pushProgram(timing: AgentTiming): string {
  return agentProgram(
    timing,
    [filesPart, httpPart, probePart, sendingPart],
    ['stat', 'open', 'sum', 'read', 'put', 'probe'],
  )
}

const sendingPart = String.raw`# ---- sending

use Compress::Raw::Zlib ();
use Digest::MD5 ();

# A store that doesn't know "Expect" never says 100; then the body goes out all the same.
my $CONTINUE_SECONDS = 2;

sub do_sum {
  my ($ask) = @_;
  my ($crc32, $md5) = (0, Digest::MD5->new);
  each_block($ask, sub {
    my ($block) = @_;
    $crc32 = Compress::Raw::Zlib::crc32($$block, $crc32);
    $md5->add($$block);
    1;
  });
  return { ok => 'sum', crc32 => $crc32 + 0, md5 => $md5->b64digest . '==' };
}

sub do_read {
  my ($ask) = @_;
  each_block($ask, sub {
    my ($block) = @_;
    say_line({ data => length $$block });
    emit($$block);
    1;
  });
  return { ok => 'read' };
}

sub do_put {
  my ($ask) = @_;
  my ($authority, $target) = reach_url($ask->{url});
  my $head = "PUT $target HTTP/1.1\r\nHost: $authority\r\n";
  for (sort keys %{ $ask->{headers} }) { $head .= "$_: $ask->{headers}{$_}\r\n" }
  # With it the store refuses before the bytes are sent, and its reason isn't lost with a connection that is cut.
  $head .= "Expect: 100-continue\r\n" if $ask->{sizeBytes} > 0;
  my $inbox = '';
  $head .= "\r\n";
  send_bytes(\$head, \$inbox);
  my ($status, $header);
  if ($ask->{sizeBytes} > 0 && (length $inbox || take_bytes(\$inbox, $CONTINUE_SECONDS))) {
    ($status, $header) = parse_head(\$inbox);
    ($status, $header) = () if $status < 200;
  }
  if (!$status) {
    my $sent = 0;
    each_block($ask, sub {
      my ($block) = @_;
      return 0 if interrupted(\$inbox) || !send_bytes($block, \$inbox);
      $sent += length $$block;
    });
    do { ($status, $header) = parse_head(\$inbox) } while $status < 200;
    my $unsent = $sent < $ask->{sizeBytes};
    my $body = parse_body(\$inbox, $header);
    hang_up() if $unsent;
    return { ok => 'put', %{ answer($status, $header, $body) } };
  }
  my $body = parse_body(\$inbox, $header);
  hang_up();
  return { ok => 'put', %{ answer($status, $header, $body) } };
}
`
