import type { DiskToFill } from './disk-writer.ts'

/** Writes disks of a platform that takes each as one file, in one stream from its beginning. */
export interface FileDiskWriter {
  /**
   * See that there is a place for it: asked again, it finds what is there.
   * @returns what the platform calls the file
   * @throws TargetUnwritable, CredentialsRejected, PrivilegeMissing, PlatformUnavailable
   */
  begin(disk: DiskToFill): Promise<string>

  /**
   * CRC-32 of the file as it is read back; `undefined` where none of that size lies there.
   * @throws CredentialsRejected, PrivilegeMissing, ConnectionDropped, the signal's reason
   */
  sumOf(disk: DiskToFill, signal: AbortSignal): Promise<number | undefined>

  /**
   * Write all of it, in the place of what is there.
   * @param content begins anew each time that it is asked for
   * @throws TargetFull, TargetUnwritable, PrivilegeMissing, ConnectionDropped, what `content` throws, the signal's reason
   */
  put(disk: DiskToFill, content: () => AsyncIterable<Buffer>, signal: AbortSignal): Promise<void>

  close(): Promise<void>
}
