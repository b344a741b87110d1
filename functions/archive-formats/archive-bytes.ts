/** An archive to take something out of, whatever its format. */
import type { ReadRange } from './range-cursor.ts'

/** An archive's file, wherever it lies. */
export interface ArchiveBytes {
  fileName: string
  sizeBytes: number
  /** All of it, from the first byte on. */
  stream(): AsyncIterable<Buffer>
  read: ReadRange
}

/** What was read of a file in one pass. */
export interface PassedFile {
  sizeBytes: number
  crc32: number
}

/** The archive is what it should be, and doesn't hold what was asked for. */
export class NoSuchContent extends Error {}

/** A disk that was taken out. */
export interface TakenDisk {
  device: { name: string; sizeBytes: number }
  /** Bytes that the archive holds of it; the rest is zero. */
  storedBytes: number
  /** Absent where only parts of the archive were read. */
  passed?: PassedFile
}

/** Where a disk goes. */
export interface DiskWriter {
  write(offset: number, bytes: Buffer): Promise<void>
  /** A cluster of 64 KiB that begins at `offset` has passed, whether anything of it was written or not. */
  passed?(offset: number): Promise<void>
}
