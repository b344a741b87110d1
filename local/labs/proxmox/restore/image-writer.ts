/** Writes a guest's disks, and stops where its storage is full. */
import { closeSync, ftruncateSync, openSync, rmSync, writeSync } from 'node:fs'

export class ImageFull extends Error {
  constructor() {
    super('No space left on device')
  }
}

export interface Image {
  path: string
  write(data: Buffer, at?: number): void
  close(): void
  remove(): void
}

/** @param sizeBytes of a disk; a container's file grows as it is written */
export function openImage(path: string, room: { bytes: number }, sizeBytes?: number): Image {
  const file = openSync(path, 'w')
  if (sizeBytes !== undefined) ftruncateSync(file, sizeBytes)
  let open = true
  const close = (): void => {
    if (open) closeSync(file)
    open = false
  }
  return {
    path,
    write(data, at) {
      const fits = sizeBytes === undefined || at === undefined ? data : data.subarray(0, sizeBytes - at)
      room.bytes -= fits.length
      if (room.bytes < 0) throw new ImageFull()
      writeSync(file, fits, 0, fits.length, at ?? null)
    },
    close,
    remove() {
      close()
      rmSync(path, { force: true })
    },
  }
}
