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

export const deliverySchema = z.discriminatedUnion('type', [pullDeliverySchema, sftpDeliverySchema])
export type DeliveryConfig = z.infer<typeof deliverySchema>
