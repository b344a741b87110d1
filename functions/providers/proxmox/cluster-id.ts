import { GuestliftError } from '../../contracts/errors.ts'
import type { ApiClient } from './client.ts'
import { certificateRowsSchema } from './schemas.ts'

/** The certificate of a cluster's own authority: made once with the cluster, shared by its nodes, valid for ten years. */
const ROOT_CERTIFICATE = 'pve-root-ca.pem'

/**
 * SHA-256 of the root certificate that a cluster makes for itself, `sha256:` and lower-case hex. Each logged-in account
 * may read it, tokens as well (`permissions user all`), and it doesn't depend on the certificate that is shown in the
 * handshake, which may be a proxy's. Nodes that come and go and certificates that are renewed leave it as it is.
 *
 * What it can't tell: a cluster that was restored from a copy of another one's /etc/pve has the same; one whose authority
 * was made anew has another. `undefined` where the site doesn't show it.
 */
export async function clusterIdOf(client: Pick<ApiClient, 'get' | 'about'>): Promise<string | undefined> {
  const about = client.about('read the certificate of its authority')
  // The node that answers the call, whatever its name: all have the same.
  const { data } = await notRefused(() =>
    client.get('/nodes/localhost/certificates/info', certificateRowsSchema, about),
  )
  const root = data.find(({ filename }) => filename.split('/').at(-1) === ROOT_CERTIFICATE)
  return root === undefined ? undefined : `sha256:${root.fingerprint.replaceAll(':', '').toLowerCase()}`
}

/** A site that refuses the question itself doesn't tell; one that can't be reached is an error, as for any question. */
async function notRefused<Row>(ask: () => Promise<{ data: Row[] }>): Promise<{ data: Row[] }> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof GuestliftError && (error.name === 'RequestRejected' || error.name === 'PrivilegeMissing')) {
      return { data: [] }
    }
    throw error
  }
}
