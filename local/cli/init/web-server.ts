/** The route `https`: a web server of the site that serves the archives. Guestlift sets up none. */
import { httpsRouteSchema } from '../../../functions/contracts/route.ts'
import type { Asker } from './asker.ts'
import type { Surroundings } from './platform-init.ts'
import { certificateIn } from './tls-identity.ts'

/** The block `route`, as the site file has it. */
export async function askForWebServer(
  host: string,
  asker: Asker,
  { expectedFingerprints }: Surroundings,
): Promise<Record<string, unknown>> {
  const { url, tls } = await asker.untilUsable('--route-url', async () => {
    const url = await asker.text({
      flag: '--route-url',
      message: 'Where an archive is on the web server; {node}, {storage} and {file} stand for its own',
      usual: `https://${host}/{storage}/dump/{file}`,
      complaint: (text) => {
        const { error } = httpsRouteSchema.shape.url.safeParse(text)
        return error === undefined ? undefined : `${error.issues[0]?.message ?? 'It is no such URL'}.`
      },
    })
    return { url, tls: await tlsOf(url, asker, expectedFingerprints) }
  })
  const username = await asker.text({
    flag: '--route-account',
    message: 'User of the web server (Enter: it asks for none)',
    usual: '',
    complaint: (text) => (text.includes(':') ? 'A user of HTTP Basic has no colon.' : undefined),
  })
  if (username === '') return { type: 'https', url, tls }
  const password = await asker.secret({ flag: '--route-secret-file', message: `Password of ${username} there` })
  return { type: 'https', url, tls, auth: { type: 'basic', username, password } }
}

async function tlsOf(url: string, asker: Asker, expected: readonly string[]): Promise<Record<string, unknown>> {
  const [, host = ''] = /^https:\/\/([^/]+)/.exec(url) ?? []
  // Which nodes there are is known after a login only: then a public authority, or a flag, has to vouch for all of them.
  if (host.includes('{')) {
    return expected.length === 0 ? { mode: 'system' } : { mode: 'fingerprint', fingerprints: [...expected] }
  }
  return certificateIn(
    [new URL(`https://${host}`)],
    asker,
    expected,
    'openssl x509 -noout -fingerprint -sha256 -in <certificate of the web server>',
  )
}
