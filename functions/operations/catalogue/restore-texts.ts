import { GuestliftError } from '../../contracts/errors.ts'
import { restoreScript, SCRIPT_MARK } from '../../archive-formats/proxmox/restore-script.ts'
import { restoreText, TEXT_MARK } from '../../archive-formats/proxmox/restore-text.ts'
import { rootFileKey } from '../../domain/books/object-keys.ts'
import { readTextUnlessFrozen } from '../books/frozen-text.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 's3Url'>

interface RootFile {
  key: string
  text: string
  /** By it our own file is known again. */
  mark: string
  contentType: string
}

/**
 * Write how to restore without this product into the bucket, where it isn't there as it is now. A file of that name that
 * is somebody else's stays. Returns a note for each file that could not be written: no run fails of that.
 */
export async function writeRestoreTexts(ports: Needs): Promise<string[]> {
  const place = { bucket: ports.store.bucket, keyPrefix: ports.keyPrefix, s3Url: ports.s3Url }
  const files: RootFile[] = [
    {
      key: rootFileKey(ports.keyPrefix, 'RESTORE.md'),
      text: restoreText(place),
      mark: TEXT_MARK,
      contentType: 'text/markdown; charset=utf-8',
    },
    {
      key: rootFileKey(ports.keyPrefix, 'restore.sh'),
      text: restoreScript(place),
      mark: SCRIPT_MARK,
      contentType: 'text/x-shellscript; charset=utf-8',
    },
  ]
  const notes: string[] = []
  for (const file of files) {
    try {
      notes.push(...(await refresh(file, ports)))
    } catch (error) {
      if (!(error instanceof GuestliftError)) throw error
      notes.push(`s3://${ports.store.bucket}/${file.key} was not brought up to date: ${error.message}`)
    }
  }
  return notes
}

async function refresh({ key, text, mark, contentType }: RootFile, { store }: Needs): Promise<string[]> {
  const there = await readTextUnlessFrozen(store, key)
  if (there === undefined) {
    await store.writeText(key, text, { contentType, onlyIf: { absent: true } })
    return []
  }
  if ('frozen' in there) return [`s3://${store.bucket}/${key} can't be read and stays as it is. ${there.frozen}`]
  if (there.text === text) return []
  if (!there.text.includes(mark)) {
    return [
      `s3://${store.bucket}/${key} is not Guestlift's and stays as it is. Move it to have Guestlift's own text there, which says how to restore.`,
    ]
  }
  // Where another run was faster, its text says the same.
  await store.writeText(key, text, { contentType, onlyIf: { etag: there.etag } })
  return []
}
