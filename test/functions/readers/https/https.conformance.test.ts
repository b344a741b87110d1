import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { HttpsRoute } from '../../../../functions/contracts/route.ts'
import { openHttpsRoute } from '../../../../functions/readers/https/https.ts'
import { createIdentity, fingerprintOf } from '../../../../local/labs/shared/certificate.ts'
import { routeConformance } from '../conformance.ts'
import { startRangeServer } from './range-server.ts'

const identity = createIdentity(['127.0.0.1', 'localhost'], new Date())
const variants: [string, Partial<HttpsRoute>, string | undefined][] = [
  [
    "its own authority and a user's password",
    { auth: { type: 'basic', username: 'reader', password: 'pässword' } },
    `Basic ${Buffer.from('reader:pässword').toString('base64')}`,
  ],
  [
    'a pinned certificate and a token',
    {
      tls: { mode: 'fingerprint', fingerprints: [fingerprintOf(identity.cert)] },
      auth: { type: 'bearer', token: 'abc.def' },
    },
    'Bearer abc.def',
  ],
  ['no login', {}, undefined],
]

for (const [name, changes, auth] of variants) {
  routeConformance(`the https route with ${name}`, async () => {
    const root = mkdtempSync(join(tmpdir(), 'guestlift-https-'))
    const server = await startRangeServer({
      tls: { key: identity.key, cert: identity.cert },
      root,
      ...(auth === undefined ? {} : { auth }),
    })
    return {
      route: openHttpsRoute('hq', {
        type: 'https',
        url: `${server.url}/nodes/{node}{path}`,
        tls: { mode: 'ca', ca: identity.ca },
        ...changes,
      }),
      put: async (fileName, body, modifiedAtSeconds) => {
        const folder = join(root, 'nodes/pve1/var/lib/dump')
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, fileName), body)
        utimesSync(join(folder, fileName), modifiedAtSeconds, modifiedAtSeconds)
        const path = `/var/lib/dump/${fileName}`
        return { node: 'pve1', path, storage: 'local', volume: `backup/${fileName}` }
      },
      close: async () => {
        await server.close()
        rmSync(root, { recursive: true })
      },
    }
  })
}
