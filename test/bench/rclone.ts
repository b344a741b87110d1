import { readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Bed, Source } from './bed.ts'
import type { Ends, SubjectName } from './subject.ts'

/** As people tune it: parts of our size, as many at once as we send. Its own defaults are parts of 5 MiB. */
export const rcloneTuning = ['--s3-upload-concurrency', '4', '--s3-chunk-size', '64M']

/** The peer of a route: sftp to s3, or http to s3 over TLS. What the node would push, it would fetch by SFTP. */
export function rcloneCommand(
  route: SubjectName,
  bed: Bed,
  source: Source,
  ends: Ends,
  tuning: readonly string[],
): string[] {
  const config = join(bed.folder, 'rclone.conf')
  writeFileSync(config, [...sourceRemote(route, bed, ends.sitePort), ...s3Remote(ends.s3Port), ''].join('\n'))
  const from = route === 'https' ? `src:${basename(source.path)}` : `src:${source.path}`
  // The certificates are made for this run; bucket checks and comparing with what is there would only add requests.
  const quiet = ['--no-check-certificate', '--s3-no-check-bucket', '--ignore-times', '--retries', '1']
  return ['rclone', 'copyto', from, 'dst:bench/rclone.vma.zst', ...quiet, ...tuning, '--config', config]
}

function sourceRemote(route: SubjectName, bed: Bed, port: number): string[] {
  if (route === 'https') return ['[src]', 'type = http', `url = https://127.0.0.1:${port}/`]
  const knownHosts = join(bed.folder, `known-hosts-${port}`)
  // The same server keys, whatever the port at which the server is reached.
  const lines = readFileSync(bed.ssh.knownHostsFile, 'utf8').replaceAll(`]:${bed.ssh.port} `, `]:${port} `)
  writeFileSync(knownHosts, lines)
  return [
    '[src]',
    'type = sftp',
    'host = 127.0.0.1',
    `port = ${port}`,
    `user = ${bed.ssh.username}`,
    `key_file = ${bed.ssh.keyFile}`,
    `known_hosts_file = ${knownHosts}`,
    // Without it, rclone would also have the server hash the file by a shell command.
    'shell_type = none',
  ]
}

function s3Remote(port: number): string[] {
  return [
    '[dst]',
    'type = s3',
    'provider = Other',
    `endpoint = https://127.0.0.1:${port}`,
    'access_key_id = bench',
    'secret_access_key = bench',
    'region = us-east-1',
    'force_path_style = true',
  ]
}
