import type { SftpSettings } from '../../../functions/ssh/sftp/sftp-session.ts'
import { openSftpDelivery } from '../../../functions/writers/sftp/sftp.ts'
import { sshdPath, startOpenSsh } from '../ssh/openssh-server.ts'
import { deliveryConformance } from './conformance.ts'
import { loginAt, startOnSmallDisk, startUnprivileged } from './sessions.ts'
import { startSpoilingSftp } from './spoiling-server.ts'

if (sshdPath === undefined) console.warn('skipped: no sshd')

const config = ['Subsystem sftp internal-sftp', 'ForceCommand internal-sftp']

function conformance(name: string, settings: Partial<SftpSettings>): void {
  deliveryConformance(
    name,
    async () => {
      const ssh = await startOpenSsh(config)
      const unprivileged = await startUnprivileged(config)
      const small = await startOnSmallDisk(config)
      const spoiling = await startSpoilingSftp()
      return {
        ssh,
        unprivileged,
        small,
        spoiling,
        deliveryTo: (server, { idleMilliseconds } = {}) =>
          openSftpDelivery('hq', loginAt(server), {
            ...settings,
            ...(idleMilliseconds === undefined ? {} : { idleMilliseconds }),
          }),
        sourceOf: async (body) => ({
          read: async ({ positionBytes, sizeBytes }) => body.subarray(positionBytes, positionBytes + sizeBytes),
          sign: () => Promise.reject(new Error('nobody fetches')),
        }),
        close: async () => {
          for (const server of [ssh, unprivileged, small, spoiling?.server]) await server?.close()
        },
      }
    },
    { skip: sshdPath === undefined, overTheLine: true },
  )
}

conformance('delivery by sftp, to OpenSSH', {})
// As over a long line, which one channel's window can't fill.
conformance('delivery by sftp, over four channels to OpenSSH', { leastUnderWayBytes: 8 * 2 ** 20 })
