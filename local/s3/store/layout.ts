/**
 * Where everything lies on disk:
 *
 *     <directory>/<bucket>/<key>                        the current version's bytes, as a plain file
 *     <directory>/.s3/lock                            the process that serves it
 *     <directory>/.s3/<bucket>/bucket.json              the bucket's configuration
 *     <directory>/.s3/<bucket>/keys/<ab>/<sha256>.json  one key: its versions with their metadata, newest first
 *     <directory>/.s3/<bucket>/bodies/<name>-<id>       bytes that have no plain file: older versions, and current ones
 *                                                       whose key can't be a path (`..`, `a//b`, a slash at the end,
 *                                                       over-long names, `a/b` beside an object `a`) or whose place is
 *                                                       taken by a file that isn't ours. The key's JSON names the body.
 *     <directory>/.s3/<bucket>/parts/<body>.json        the parts a finished multipart object was made of
 *     <directory>/.s3/<bucket>/uploads/<id>/            an open upload: upload.json, parts.jsonl, the bytes
 *
 * A commit is the one rename that replaces a key's JSON. Bytes wait in `bodies` before it and take their place after
 * it, so that at start-up a body is where its record says, or in `bodies` on the way there, or nobody's and removed.
 */
import { createHash, randomBytes } from 'node:crypto'
import { lstatSync, mkdirSync, rmdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { isCode } from './durable-file.ts'

/** The paths of one bucket. */
export interface BucketPaths {
  objects: string
  meta: string
  record: string
  keys: string
  bodies: string
  parts: string
  uploads: string
}

export function bucketPaths(directory: string, bucket: string): BucketPaths {
  const meta = join(directory, '.s3', bucket)
  return {
    objects: join(directory, bucket),
    meta,
    record: join(meta, 'bucket.json'),
    keys: join(meta, 'keys'),
    bodies: join(meta, 'bodies'),
    parts: join(meta, 'parts'),
    uploads: join(meta, 'uploads'),
  }
}

export function keyRecordPath(paths: BucketPaths, key: string): string {
  const hash = createHash('sha256').update(key).digest('hex')
  return join(paths.keys, hash.slice(0, 2), `${hash}.json`)
}

/** A fresh name in `bodies` that still tells a person what it is. */
export function newBodyId(key: string): string {
  const readable = key
    .slice(-80)
    .replaceAll(/[^A-Za-z0-9._-]+/g, '_')
    .replace(/^[._-]+/, '')
  return `${readable === '' ? 'object' : readable}-${randomBytes(9).toString('hex')}`
}

/** The plain file of a key, or `undefined` for a key that no path can spell. */
export function plainPath(paths: BucketPaths, key: string): string | undefined {
  const segments = key.split('/')
  const spellable = segments.every(
    (name) => name !== '' && name !== '.' && name !== '..' && !name.includes('\0') && Buffer.byteLength(name) <= 255,
  )
  // On Windows these would name another path, a drive or a stream.
  if (!spellable || (process.platform === 'win32' && /[\\:*?"<>|]/.test(key))) return undefined
  const path = join(paths.objects, ...segments)
  return Buffer.byteLength(path) > 3900 ? undefined : path
}

/** Make the folders above `path`; false when a file stands in the way or the file system can't spell the name. */
export function makeRoom(path: string): boolean {
  try {
    mkdirSync(dirname(path), { recursive: true })
    return true
  } catch (cause) {
    if (isCode(cause, 'EEXIST', 'ENOTDIR', 'ENAMETOOLONG', 'EINVAL', 'EILSEQ')) return false
    throw cause
  }
}

export function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}

/** Remove the folders that an object leaves empty, up to the bucket's own. */
export function removeEmptyFolders(paths: BucketPaths, path: string): void {
  for (let folder = dirname(path); folder.length > paths.objects.length; folder = dirname(folder)) {
    try {
      rmdirSync(folder)
    } catch {
      return
    }
  }
}
