/** When archives move to colder storage classes: rules of the bucket's lifecycle. */
import * as z from 'zod'
import { type StorageClass, storageClassSchema } from './prices.ts'

/** Rules move objects in the order of the classes only (S3 user guide, "Transitioning objects using Amazon S3 Lifecycle"). */
const movedTo = storageClassSchema.options.filter((name) => name !== 'STANDARD')

/** S3 refuses a rule that moves objects earlier to these classes, or out of them earlier after that. */
const LEAST_DAYS_INFREQUENT = 30
const isInfrequent = (name: StorageClass): boolean => name === 'STANDARD_IA' || name === 'ONEZONE_IA'

/** Smaller objects stay where they are: manifests, verdicts and indexes have to be read at once. */
export const LEAST_MOVED_BYTES = 16 * 2 ** 20

/** Whether a rule moves objects from the one class to the other. */
export function isColder(one: StorageClass, than: StorageClass): boolean {
  return storageClassSchema.options.indexOf(one) > storageClassSchema.options.indexOf(than)
}

export const transitionSchema = z.strictObject({
  storageClass: z.enum(movedTo).describe('The class, as S3 names it.'),
  afterDays: z.int().min(1).max(36_500).describe('Days after an archive was written.'),
})
export type Transition = z.output<typeof transitionSchema>

export const transitionsSchema = z.array(transitionSchema).check(({ value, issues }) => {
  const refuse = (index: number, message: string) =>
    issues.push({ code: 'custom', path: [index], message, input: value[index] })
  for (const [index, { storageClass, afterDays }] of value.entries()) {
    const before = value[index - 1]
    if (isInfrequent(storageClass) && afterDays < LEAST_DAYS_INFREQUENT)
      refuse(index, `S3 moves nothing to ${storageClass} before ${LEAST_DAYS_INFREQUENT} days`)
    if (before === undefined) continue
    if (!isColder(storageClass, before.storageClass))
      refuse(index, `S3 moves objects to colder classes only, and ${storageClass} is none after ${before.storageClass}`)
    const least = before.afterDays + (isInfrequent(before.storageClass) ? LEAST_DAYS_INFREQUENT : 1)
    if (afterDays < least)
      refuse(
        index,
        `this comes ${least} days after the archive was written, or later: ${before.storageClass} is before it`,
      )
  }
})
