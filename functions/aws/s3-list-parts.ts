import { ListPartsCommand, type Part, type S3Client } from '@aws-sdk/client-s3'
import { storeFact } from './s3-errors.ts'
import { allPages } from './s3-pages.ts'

/** All parts of an upload from one on, as the store lists them, in ascending order. @throws UploadVanished, the store's errors */
export async function* listedParts(
  client: S3Client,
  { bucket, key, uploadId }: { bucket: string; key: string; uploadId: string },
  firstPart = 1,
): AsyncGenerator<Part, void, void> {
  const beginning = firstPart === 1 ? undefined : String(firstPart - 1)
  const pages = allPages(
    `The list of parts of s3://${bucket}/${key}`,
    async (marker: string | undefined = beginning) => {
      try {
        const answer = await client.send(
          new ListPartsCommand({ Bucket: bucket, Key: key, UploadId: uploadId, PartNumberMarker: marker }),
        )
        return { answer, truncated: answer.IsTruncated, next: answer.NextPartNumberMarker }
      } catch (error) {
        throw storeFact(error, { bucket, key, verb: 'list parts of' })
      }
    },
  )
  for await (const { Parts = [] } of pages) yield* Parts
}
