import { mkdtemp, rename, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPushRoute } from '../../../../functions/readers/push/push.ts'
import { routeConformance } from '../conformance.ts'
import { sshdPath, startOpenSsh } from '../../ssh/openssh-server.ts'

if (sshdPath === undefined) console.warn('skipped: no sshd')

for (const config of [[], ['RekeyLimit 2M'], ['MaxSessions 1']]) {
  routeConformance(
    `the push route with OpenSSH (${config[0] ?? 'defaults'})`,
    async () => {
      const server = await startOpenSsh(config)
      const folder = await mkdtemp(join(tmpdir(), 'guestlift-source-'))
      const { port, username, privateKey, fingerprints } = server
      const hostKeys = [fingerprints.ed25519]
      return {
        route: openPushRoute('hq', { type: 'push', host: '127.0.0.1', port, username, privateKey, hostKeys }),
        put: async (name, body, modifiedAtSeconds) => {
          await writeFile(join(folder, 'new'), body)
          await utimes(join(folder, 'new'), modifiedAtSeconds, modifiedAtSeconds)
          await rename(join(folder, 'new'), join(folder, name))
          return { node: 'pve1', path: join(folder, name), storage: 'local', volume: `backup/${name}` }
        },
        close: async () => {
          await server.close()
          await rm(folder, { recursive: true })
        },
      }
    },
    sshdPath === undefined,
  )
}
