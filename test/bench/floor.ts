import type { Bed, Source } from './bed.ts'
import { type Measured, measure } from './measure.ts'
import type { SubjectName } from './subject.ts'

/**
 * What no route can go below with these ciphers: the bytes received by the plainest tool and thrown away, and sent to S3
 * by the plainest tool. CPU of both; time of the slower, since they could overlap. A node that pushes only sends.
 */
export async function measureFloor(route: SubjectName, bed: Bed, source: Source): Promise<Measured> {
  const { ssh, certificateFile } = bed
  const login = ['-i', ssh.keyFile, '-o', `UserKnownHostsFile=${ssh.knownHostsFile}`, '-c', 'aes128-gcm@openssh.com']
  const name = source.path.slice(source.path.lastIndexOf('/') + 1)
  const receive =
    route === 'https'
      ? ['curl', '-sf', '--cacert', certificateFile, '-o', '/dev/null', `https://127.0.0.1:${bed.web.port}/${name}`]
      : // The shell's redirection: what ssh prints would be kept as the command's output.
        [
          'sh',
          '-c',
          'exec "$@" > /dev/null',
          'sh',
          'ssh',
          '-p',
          String(ssh.port),
          ...login,
          `${ssh.username}@127.0.0.1`,
          `cat ${source.path}`,
        ]
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
