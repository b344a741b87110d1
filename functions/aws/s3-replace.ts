import { StoreUnsuitable } from '../contracts/errors.ts'

/** An ETag as RFC 9110 has it in If-Match, or without its quotes, as writes to Ceph 16 (and no reads of it) want it. */
type TagForm = 'quoted' | 'bare'

const bareTag = (etag: string): string => etag.replace(/^"(.*)"$/, '$1')
const inForm = (etag: string, form: TagForm): string => (form === 'bare' ? bareTag(etag) : `"${bareTag(etag)}"`)

/** One try of a write with this If-Match: the new ETag, or `unmet` (412) when the store says that the object is another. */
type TryReplace = (ifMatch: string) => Promise<{ etag: string } | 'unmet' | 'conflict'>

/**
 * Writes that replace an object only while it is the expected one. That the condition isn't met is believed when the
 * object's ETag has changed; while it hasn't, it was the form of the tag that the store didn't take, and the other is
 * tried. One instance for each store: it remembers the form that was taken.
 */
export class Replacement {
  #form: TagForm = 'quoted'

  /**
   * Returns the new ETag, or `undefined` when the object is another.
   * @throws StoreUnsuitable when the store refuses both forms again and again and the object stays what it is
   */
  async replace(
    { etag, of }: { etag: string; of: string },
    tryIt: TryReplace,
    etagNow: () => Promise<string | undefined>,
  ): Promise<string | undefined> {
    const other: TagForm = this.#form === 'quoted' ? 'bare' : 'quoted'
    // Twice: between a try and a look, others may have changed the object and changed it back.
    for (const form of [this.#form, other, this.#form, other]) {
      const tried = await tryIt(inForm(etag, form))
      if (tried === 'conflict') return undefined
      if (tried !== 'unmet') {
        this.#form = form
        return tried.etag
      }
      const now = await etagNow()
      if (now === undefined || bareTag(now) !== bareTag(etag)) return undefined
    }
    throw new StoreUnsuitable(
      `The store refuses to replace ${of} (If-Match, 412) though its ETag is the one that it was sent, ${etag}. Guestlift ` +
        "can't share its books over it. Use a store that knows conditional writes as Amazon S3 does, or a newer version of this one.",
    )
  }
}
