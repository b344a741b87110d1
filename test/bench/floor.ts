import type { Bed, Source } from './bed.ts'
import { type Measured, measure } from './measure.ts'
import { sshCommand } from './ssh-login.ts'
import type { SubjectName } from './subject.ts'

/**
 * What no route can go below with these ciphers: the bytes received by the plainest tool and thrown away, and sent to S3
 * by the plainest tool. CPU of both; time of the slower, since they could overlap. A node that pushes only sends.
 */
export async function measureFloor(route: SubjectName, bed: Bed, source: Source): Promise<Measured> {
  const { certificateFile } = bed
  const name = source.path.slice(source.path.lastIndexOf('/') + 1)
  const receive =
    route === 'https'
      ? ['curl', '-sf', '--cacert', certificateFile, '-o', '/dev/null', `https://127.0.0.1:${bed.web.port}/${name}`]
      : // The shell's redirection: what ssh prints would be kept as the command's output.
        ['sh', '-c', 'exec "$@" > /dev/null', 'sh', ...sshCommand(bed), `cat ${source.path}`]
  const put = [
    'curl',
    '-sf',
    '--cacert',
    certificateFile,
    '-T',
    source.path,
    `https://127.0.0.1:${bed.sink.port}/bench/floor`,
  ]
  const sent = await measure(put)
  if (route === 'push') return sent
  const received = await measure(receive)
  return {
    cpuSeconds: received.cpuSeconds + sent.cpuSeconds,
    seconds: Math.max(received.seconds, sent.seconds),
    peakMiB: Math.max(received.peakMiB, sent.peakMiB),
    output: '',
  }
}
