import { ArchiveUnknown } from '../../contracts/errors.ts'
import type { Pin } from '../../contracts/pin.ts'
import { readFolder } from '../../domain/catalogue/catalogue.ts'
import { type KeyedGuest, manifestKey, pinKey, pinsPrefix } from '../../domain/books/object-keys.ts'
import { isThere } from './is-there.ts'
import { pinShape } from './shapes.ts'
import { readRecord, unlessUnreadable, writeRecord } from './stored-json.ts'
import type { Ports } from '../ports.ts'

type Needs = Pick<Ports, 'store' | 'keyPrefix' | 'now'>

/** Folders of a guest's archives that are pinned, by the last name of each. A record that can't be read pins as well. */
export async function pinnedNames(
  site: string,
  guest: KeyedGuest,
  { store, keyPrefix }: Pick<Needs, 'store' | 'keyPrefix'>,
): Promise<ReadonlySet<string>> {
  const prefix = pinsPrefix(keyPrefix, site, guest)
  return new Set((await store.listKeys(prefix)).flatMap((key) => key.slice(prefix.length).split('/')[0] ?? []))
}

/** The last name of an archive's folder: its time. */
export function nameOf(folder: string): string {
  return folder.split('/').at(-2) ?? ''
}

/** What pins an archive, for people. `'unreadable'` pins, too. */
export function readPin(
  folder: string,
  { store, keyPrefix }: Pick<Needs, 'store' | 'keyPrefix'>,
): Promise<Pin | 'unreadable' | undefined> {
  return unlessUnreadable(readRecord(store, keyOf(folder, keyPrefix), pinShape))
}

/**
 * Pin a whole archive. Returns whether it wasn't before; the first reason stays.
 * @throws ArchiveUnknown when it has no manifest, before or after: a pruning may just remove it
 */
export async function pinArchive(folder: string, reason: string | undefined, ports: Needs): Promise<boolean> {
  const { store } = ports
  const where = `s3://${store.bucket}/${folder}`
  if (!(await isThere(store, manifestKey(folder)))) {
    throw new ArchiveUnknown(`${where} has no manifest: it is no archive. Nothing was pinned.`)
  }
  const { key, written } = await writePin(folder, reason, ports)
  if (await isThere(store, manifestKey(folder))) return written !== undefined
  if (written !== undefined) await store.remove(key, { etag: written })
  throw new ArchiveUnknown(`${where} was removed while it was pinned. Nothing was pinned.`)
}

/** Of an archive that is there, or gets its manifest next. `written` is the record's tag, absent where one was there. */
export async function writePin(
  folder: string,
  reason: string | undefined,
  { store, keyPrefix, now }: Needs,
): Promise<{ key: string; written: string | undefined }> {
  const key = keyOf(folder, keyPrefix)
  const pin: Pin = { version: 1, folder, pinnedAt: now().toISOString(), ...(reason === undefined ? {} : { reason }) }
  return { key, written: await writeRecord(store, key, pinShape, pin, { onlyIf: { absent: true } }) }
}

/** Returns whether there was a pin. */
export async function unpinArchive(folder: string, { store, keyPrefix }: Omit<Needs, 'now'>): Promise<boolean> {
  const key = keyOf(folder, keyPrefix)
  if (!(await isThere(store, key))) return false
  await store.remove(key)
  return true
}

function keyOf(folder: string, keyPrefix: string): string {
  const place = readFolder(keyPrefix, manifestKey(folder))
  if (place === undefined) throw new ArchiveUnknown(`${folder} is no folder of an archive.`)
  return pinKey(keyPrefix, place.site, place.guest, nameOf(folder))
}
