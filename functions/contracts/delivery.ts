/** How an archive's file comes back to a node. One schema per delivery; `writers/<type>.ts` implements it. */
import * as z from 'zod'
import { overSsh } from './route.ts'

/**
 * The node fetches the file itself, from URLs that are each good for one range. Guestlift talks to it over SSH; no archive
 * byte passes a function, and no key of the bucket is on the node.
 */
export const pullDeliverySchema = overSsh(
  'pull',
  'The node itself fetches the file from S3, which it is asked to do over SSH.',
)

/** Functions write the file over SFTP: works with `internal-sftp` and a chroot. */
export const sftpDeliverySchema = overSsh('sftp', 'The file is written over SFTP.')

/**
 * The platform fetches a guest's disks itself and makes the guest of them: REST alone, no SSH. The disks are taken out of the
 * archive in the region first.
 */
export const importDeliverySchema = z.strictObject({
  type: z
    .literal('import')
    .describe(
      'The platform fetches the disks of a VM from S3 and imports them, over its API alone. Not for containers.',
    ),
})

export const deliverySchema = z.discriminatedUnion('type', [
  pullDeliverySchema,
  sftpDeliverySchema,
  importDeliverySchema,
])
/** What brings an archive's file to a node. */
export type FileDelivery = z.infer<typeof pullDeliverySchema> | z.infer<typeof sftpDeliverySchema>
