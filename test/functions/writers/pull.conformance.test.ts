import { join } from 'node:path'
import { startS3 } from '../../../local/s3/server.ts'
import { openPullDelivery } from '../../../functions/writers/pull/pull.ts'
import { sshdPath, startOpenSsh } from '../ssh/openssh-server.ts'
import { deliveryConformance } from './conformance.ts'
import { startSpoilingPerl } from './spoiling-server.ts'
import { BUCKET, KEYS, storedSource } from './s3-source.ts'
import { loginAt, startOnSmallDisk, startUnprivileged } from './sessions.ts'

if (sshdPath === undefined) console.warn('skipped: no sshd')

const deps = { random: () => 0.5, sleep: async () => undefined }

deliveryConformance(
  'delivery by pull, under OpenSSH',
  async () => {
    const ssh = await startOpenSsh()
    const unprivileged = await startUnprivileged([])
    const small = await startOnSmallDisk([])
    const spoiling = await startSpoilingPerl()
    let sources = 0
    const s3 = await startS3({ directory: join(ssh.folder, 's3'), ...KEYS, buckets: [BUCKET] })
    return {
      ssh,
      unprivileged,
      small,
      spoiling,
      deliveryTo: (server, settings = {}) => openPullDelivery('hq', loginAt(server), settings, deps),
      sourceOf: (body) => storedSource(s3.url, `archives/hq/vm-100/${sources++} ü+&=.vma.zst`, body),
      close: async () => {
        await s3.close()
        for (const server of [ssh, unprivileged, small, spoiling.server]) await server?.close()
      },
    }
  },
  { skip: sshdPath === undefined, overTheLine: false },
)
