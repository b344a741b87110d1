/** The page blob of a disk, read by HTTP Range. Shared by the provider, which asks for its size, and the reader. */
import { ConnectionDropped, SourceUnreadable } from '../contracts/errors.ts'
import type { AzureAccess } from '../contracts/azure-access.ts'
import { type FileServerSettings, HttpsFile } from '../http-file/https-file.ts'
import type { ResponseHead } from '../http/http-response-head.ts'
import { tlsDialer } from '../tls/connect.ts'
import { azureTlsFacts } from './azure-line.ts'
import { STORAGE_VERSION } from './page-list.ts'

export const blobSettings: FileServerSettings = {
  connectMilliseconds: 20_000,
  idleMilliseconds: 45_000,
  worthReadingOnBytes: 2 ** 20,
}

/** What storage answers in place of bytes. Its code says what to do about it. */
export class BlobRefusal extends Error {
  override readonly name = 'BlobRefusal'
  readonly status: number
  /** As `AuthenticationFailed`; empty where something else answers. */
  readonly code: string

  constructor(status: number, code: string, what: string) {
    super(`${what}: storage answered ${status}${code === '' ? '' : ` ${code}`}`)
    this.status = status
    this.code = code
  }

  /** The address has ended, or was given back: another one reads the same blob. */
  get hasEnded(): boolean {
    return this.status === 403 && /^(AuthenticationFailed|AuthorizationFailure)$/.test(this.code)
  }

  get isBusy(): boolean {
    return this.status === 429 || this.status >= 500
  }
}

/** @param about disk, region and site, for messages: the address itself is a secret, and is shown without its query */
export function pageBlobAt(
  address: URL,
  about: string,
  { site, tls }: { site: string; tls: AzureAccess['tls'] },
  settings: FileServerSettings = blobSettings,
): HttpsFile {
  return new HttpsFile(address, about, {
    dial: tlsDialer(tls, azureTlsFacts(site)),
    settings,
    headerLines: `x-ms-version: ${STORAGE_VERSION}\r\n`,
    whenUnreachable: 'Disks are read from Azure storage (*.blob.storage.azure.net): functions need a way there',
    refusal: (head, what) => new BlobRefusal(head.status, codeOf(head), what),
  })
}

/** For one that stays. @param what disk, region and site */
export function blobFact(error: unknown, what: string): unknown {
  if (!(error instanceof BlobRefusal)) return error
  const { status, code } = error
  const options = { cause: error }
  const said = `${what}: Azure storage answered ${status}${code === '' ? '' : ` ${code}`}.`
  if (error.isBusy) return new ConnectionDropped(`${said} It is busy; later again.`, options)
  if (status === 200) {
    return new SourceUnreadable(
      `${said} It sends the whole disk in place of a range: something in between rewrites requests.`,
      options,
    )
  }
  if (status === 403) {
    return new SourceUnreadable(
      `${said} Reading from here may be forbidden: look at \`networkAccessPolicy\` and public network access of the snapshot, and at policies of the subscription.`,
      options,
    )
  }
  if (status === 404) {
    return new SourceUnreadable(
      `${said} The restore point or snapshot is gone: someone removed it while it was read.`,
      options,
    )
  }
  return new SourceUnreadable(`${said} See the activity log in the Azure portal.`, options)
}

function codeOf({ fields }: ResponseHead): string {
  return fields.get('x-ms-error-code')?.[0] ?? ''
}
