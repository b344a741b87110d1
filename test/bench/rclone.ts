import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { Bed, Source } from './bed.ts'
import { sftpRemote } from './ssh-login.ts'
import type { Ends, SubjectName } from './subject.ts'

/** As people tune it: parts of our size, as many at once as we send. Its own defaults are parts of 5 MiB. */
export const rcloneTuning = ['--s3-upload-concurrency', '4', '--s3-chunk-size', '64M']

/** The certificates are made for this run; bucket checks and comparing with what is there would only add requests. */
const quiet = ['--no-check-certificate', '--s3-no-check-bucket', '--ignore-times', '--retries', '1']

/** The peer of a route: sftp to s3, or http to s3 over TLS. What the node would push, it would fetch by SFTP. */
export function rcloneCommand(
  route: SubjectName,
  bed: Bed,
  source: Source,
  ends: Ends,
  tuning: readonly string[],
): string[] {
  const config = join(bed.folder, 'rclone.conf')
  writeFileSync(config, [...sourceRemote(route, bed, ends.sitePort), ...s3Remote('dst', ends.s3Port), ''].join('\n'))
  const from = route === 'https' ? `src:${basename(source.path)}` : `src:${source.path}`
  return ['rclone', 'copyto', from, 'dst:bench/rclone.vma.zst', ...quiet, ...tuning, '--config', config]
}

function sourceRemote(route: SubjectName, bed: Bed, port: number): string[] {
  if (route === 'https') return ['[src]', 'type = http', `url = https://127.0.0.1:${port}/`]
  return sftpRemote('src', bed, port)
}

/** The store as a remote of rclone's. */
function s3Remote(name: string, port: number): string[] {
  return [
    `[${name}]`,
    'type = s3',
    'provider = Other',
    `endpoint = https://127.0.0.1:${port}`,
    'access_key_id = bench',
    'secret_access_key = bench',
    'region = us-east-1',
    'force_path_style = true',
  ]
}

/** The way back: from the store at `port` to a file on the node. */
export function rcloneBackCommand(
  bed: Bed,
  key: string,
  file: string,
  ports: { store: number; site: number },
): string[] {
  const config = join(bed.folder, 'rclone-back.conf')
  writeFileSync(config, [...s3Remote('src', ports.store), ...sftpRemote('dst', bed, ports.site), ''].join('\n'))
  return ['rclone', 'copyto', `src:bench/${key}`, `dst:${file}`, ...quiet, '--config', config]
}
