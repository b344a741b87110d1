/** What lies in the bucket, read from the embedded S3's disk: nobody has to answer for it. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { RoundRecord, StoredArchive, StoredFile } from './record.ts'
import { sumOf } from './invariants.ts'
import { sha256Of } from './oracle.ts'

type Json = Record<string, unknown>

/** Where a run tries the store out. Two uploads of one key are part of that; a sweep knows by the place what is left. */
const STORE_TESTS = 'uploads/test/'
export const isOfStoreTest = (key: string): boolean => key.startsWith(STORE_TESTS)

export interface BucketLook {
  archives: StoredArchive[]
  sums: Record<string, string>
  said: string[]
  left: Pick<RoundRecord['left'], 'claims' | 'turns' | 'streams' | 'uploads' | 'recorded'>
}

/** @param directory of the server; keys are paths below its bucket's folder */
export async function lookAtBucket(directory: string, bucket: string): Promise<BucketLook> {
  const root = join(directory, bucket)
  const keys = filesBelow(root).map((path) => relative(root, path))
  const under = (prefix: string) => keys.filter((key) => key.startsWith(prefix))
  const json = (key: string) => JSON.parse(readFileSync(join(root, key), 'utf8')) as Json
  const archives: StoredArchive[] = []
  for (const key of under('archives/').filter((one) => one.endsWith('/manifest.json'))) {
    const folder = key.slice(0, -'manifest.json'.length)
    const files: StoredFile[] = []
    for (const one of under(folder)) {
      const path = join(root, one)
      files.push({ key: one, sizeBytes: statSync(path).size, sha256: await sha256Of(path) })
    }
    const { guest, artifacts, backup } = json(key) as {
      guest: { id: string }
      artifacts: { fileName: string; sizeBytes: number }[]
      backup?: { jobRef?: string }
    }
    archives.push({ manifestKey: key, guest: guest.id, jobRef: backup?.jobRef, files, artifacts })
  }
  const entries = (prefix: string, fields: readonly string[]) =>
    under(prefix).flatMap((key) =>
      fields.flatMap((field) => (json(key)[field] as Json[]).map((one) => `${field} ${JSON.stringify(one)}`)),
    )
  const uploads = filesBelow(join(directory, '.s3', bucket, 'uploads')).filter((path) => path.endsWith('/upload.json'))
  return {
    archives,
    sums: Object.fromEntries(archives.map(({ manifestKey, files }) => [manifestKey, sumOf(files)])),
    said: under('runs/')
      .filter((key) => /\/(report\.json|guests\/[^/]+\.json)$/.test(key))
      .map((key) => readFileSync(join(root, key), 'utf8')),
    left: {
      claims: under('claims/').flatMap((key) =>
        json(key)['released'] === true ? [] : [`${key} ${JSON.stringify(json(key))}`],
      ),
      turns: entries('dumps/', ['turns', 'waiters', 'staged']),
      streams: entries('streams/', ['reservations', 'waiters']),
      uploads: uploads
        .map((path) => String((JSON.parse(readFileSync(path, 'utf8')) as Json)['key']))
        .filter((key) => !isOfStoreTest(key)),
      recorded: under('uploads/').map((key) => key.slice('uploads/'.length, -'.json'.length)),
    },
  }
}

function filesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
  } catch {
    return []
  }
}
