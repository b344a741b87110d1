import { strangeSite } from '../../../functions/operations/catalogue/known-sites.ts'
import { type BucketOptions, openBucket } from '../bucket-store.ts'
import type { Display } from '../print/display.ts'

/** The first archive of a site, or a misspelt name: said while the run is under way, which itself tells what fails. */
export function tellStranger(site: string, options: BucketOptions, display: Display): void {
  const { client, store, keyPrefix } = openBucket(options, { onFailedTry: () => undefined })
  void strangeSite(site, { store, keyPrefix })
    .then((sentence) => sentence !== undefined && display.say(`note: ${sentence} This run's archives are its first.`))
    .catch(() => undefined)
    .finally(() => client.destroy())
}
