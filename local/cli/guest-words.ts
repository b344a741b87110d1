/** Guests that an option names, for requests that take ids: `100`, `vm-100`, `hq/vm-100`, or a name. */
import { guestAddress } from '../../functions/domain/identity/guest-address.ts'
import { placeOfGuest } from '../../functions/operations/catalogue/named-guests.ts'
import { UsageError } from '../run/cli-error.ts'
import { type BucketOptions, openBucket } from './bucket-store.ts'

export const GUEST_WORDS = '100, vm-100, hq/vm-100 or a name'

/**
 * The id, where no list of guests is at hand: what is no number counts as an id of another kind.
 * @throws UsageError for a guest of another site
 */
export function idAsWritten(text: string, site: string | undefined): string {
  const address = guestAddress(text)
  if (address.site !== undefined && site !== undefined && address.site !== site) {
    throw new UsageError(`${text} is of site ${address.site}, and this is about site ${site}.`)
  }
  return address.id ?? text
}

/** The ids of guests that have archives in a bucket. @throws UsageError, ArchiveUnknown, UnknownSite */
export async function idsInBucket(
  texts: readonly string[],
  site: string | undefined,
  options: BucketOptions,
): Promise<string[]> {
  // Numbers need no bucket.
  if (texts.every((text) => guestAddress(text).id !== undefined)) return texts.map((text) => idAsWritten(text, site))
  const { client, store, keyPrefix } = openBucket(options)
  try {
    const places = await Promise.all(texts.map((text) => placeOfGuest(text, site, { store, keyPrefix })))
    return places.map(({ id }) => id)
  } finally {
    client.destroy()
  }
}
