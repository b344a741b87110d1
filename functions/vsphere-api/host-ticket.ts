/** One GET straight from an ESXi host, by a ticket of its vCenter (`SessionManager.AcquireGenericServiceTicket`). */
import type { Tls } from '../contracts/tls.ts'
import { folderUrl } from './folder-url.ts'
import type { VimSession } from './vim-session.ts'
import { NotVim } from './vim-fault.ts'
import { type Argument, childOf, childrenOf, textOf } from './xml.ts'

export interface HostTicket {
  /** Good for exactly this address and one GET. */
  url: URL
  cookie: string
  /** The vCenter names the certificate of its host. */
  tls: Tls
}

/** @param host by its name in the inventory. @throws VimFault, facts of the session */
export async function hostTicket(
  session: VimSession,
  host: string,
  { datastore, path }: { datastore: string; path: string },
): Promise<HostTicket> {
  // A host has one datacenter, which goes without saying.
  const wanted = folderUrl(`https://${host}`, { datacenter: '', datastore, path }, 'once')
  const spec: Argument[] = [
    ['method', 'httpGet'],
    ['url', wanted.href],
  ]
  const args: Argument[] = [['spec', spec, 'SessionManagerHttpServiceRequestSpec']]
  const content = await session.content()
  const answer = await session.read({ method: 'AcquireGenericServiceTicket', on: content.ref('sessionManager'), args })
  const ticket = childOf(answer, 'returnval')
  const cookie = textOf(childOf(ticket, 'id'))
  const named = childrenOf(ticket, 'certThumbprintList').map((one) => textOf(childOf(one, 'thumbprint')))
  const fingerprints = [...named, textOf(childOf(ticket, 'sslThumbprint'))].filter((one) => one !== '')
  if (cookie === '' || fingerprints.length === 0) {
    throw new NotVim(200, "a ticket without the host's certificate, so the host can't prove who it is")
  }
  const authority = textOf(childOf(ticket, 'hostName'))
  const url = new URL(wanted)
  if (authority !== '' && authority !== '*') url.host = authority
  return { url, cookie, tls: { mode: 'fingerprint', fingerprints } }
}
