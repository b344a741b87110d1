import type { S3Client } from '@aws-sdk/client-s3'

/** What each request says about the owner of a bucket that is somebody else's, or may be. */
export interface BucketOwner {
  /** The account that has to own it, 12 digits: S3 refuses with 403 what goes to a bucket of another one. */
  account: string
  /** For buckets whose ACLs are on: without it, the owner can't read what another account writes. */
  objectAcl?: 'bucket-owner-full-control' | undefined
}

/** Commands that make an object. An upload's object has the ACL that the upload was opened with. */
const makesObjects = new Set(['PutObjectCommand', 'CopyObjectCommand', 'CreateMultipartUploadCommand'])

/** Errors carry it under this name, since S3 doesn't say that the owner is the reason of a refusal. */
export const EXPECTED_OWNER = 'expectedBucketOwner'

/** Have each request of a client name the owner. Signed URLs are made of requests, so they do as well. */
export function expectOwner(client: S3Client, { account, objectAcl }: BucketOwner): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const input = { ...args.input, ExpectedBucketOwner: account }
        const acl = objectAcl !== undefined && makesObjects.has(commandName) ? { ACL: objectAcl } : {}
        try {
          return await next({ ...args, input: { ...input, ...acl } })
        } catch (error) {
          if (error instanceof Error) Object.assign(error, { [EXPECTED_OWNER]: account })
          throw error
        }
      },
    { step: 'initialize', name: 'expectBucketOwner' },
  )
}
