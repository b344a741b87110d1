/** What a file that is brought needs of an SFTP server beyond reading. All throw SftpRefusal and the reason of `fail`. */
import { type SftpClient, SftpRefusal } from './sftp-client.ts'
import {
  type FileAttributes,
  packetType,
  parseAttributes,
  parseFreeBytes,
  plainPacket,
  statusCode,
  writeHead,
} from './sftp-wire.ts'

const STATVFS = 'statvfs@openssh.com'
const FSYNC = 'fsync@openssh.com'

/** What lies under a name, links not followed; `undefined` for a name that is free. */
export async function lstat(sftp: SftpClient, path: string): Promise<FileAttributes | undefined> {
  try {
    const { body } = await sftp.ask((id) => plainPacket(packetType.lstat, id, path))
    return parseAttributes(body)
  } catch (error) {
    if (error instanceof SftpRefusal && error.code === statusCode.noSuchFile) return undefined
    throw error
  }
}

export async function fstat(sftp: SftpClient, handle: Buffer): Promise<FileAttributes> {
  const { body } = await sftp.ask((id) => plainPacket(packetType.fstat, id, handle))
  return parseAttributes(body)
}

/** One that is gone is fine. */
export async function remove(sftp: SftpClient, path: string): Promise<void> {
  try {
    await sftp.ask((id) => plainPacket(packetType.remove, id, path))
  } catch (error) {
    if (!(error instanceof SftpRefusal && error.code === statusCode.noSuchFile)) throw error
  }
}

/**
 * Version 3 says that it fails where the new name is taken, and OpenSSH does: it makes a second name, then removes the
 * first. Its extension posix-rename would replace what is there.
 */
export async function rename(sftp: SftpClient, from: string, to: string): Promise<void> {
  await sftp.ask((id) => plainPacket(packetType.rename, id, from, to))
}

/** Bytes that are free for the account in a folder; `undefined` where the server can't tell. */
export async function freeBytes(sftp: SftpClient, folder: string): Promise<number | undefined> {
  if (!sftp.extensions.has(STATVFS)) return undefined
  const { type, body } = await sftp.ask((id) => plainPacket(packetType.extended, id, STATVFS, folder))
  return type === packetType.extendedReply && body.length >= 40 ? parseFreeBytes(body) : undefined
}

/** Have the disk take what was written, where the server knows how. */
export async function sync(sftp: SftpClient, handle: Buffer): Promise<void> {
  if (sftp.extensions.has(FSYNC)) await sftp.ask((id) => plainPacket(packetType.extended, id, FSYNC, handle))
}

/** A file, as one channel has it open. */
interface OpenFile {
  sftp: SftpClient
  handle: Buffer
}

/** OpenSSH takes packets of 256 KiB, their head included. */
const WRITE_BYTES = 255 * 1024
/** 16 MiB under way for each caller: what 1 Gbit/s holds at 130 ms. A channel's window lets 2 MiB through at once. */
const MOST_UNDER_WAY = 64

/**
 * Write bytes at a position, many requests under way at once, over all channels in turns. What was asked for has ended
 * when this ends.
 * @param channels with the file as each has it open
 */
export async function write(
  channels: readonly [OpenFile, ...OpenFile[]],
  positionBytes: number,
  bytes: Buffer,
  signal?: AbortSignal,
): Promise<void> {
  let at = 0
  let failure: unknown
  const sendOver = async ({ sftp, handle }: OpenFile): Promise<void> => {
    while (at < bytes.length && failure === undefined) {
      const [from, piece] = [at, bytes.subarray(at, at + WRITE_BYTES)]
      at += piece.length
      try {
        signal?.throwIfAborted()
        await sftp.ask((id) => writeHead(id, handle, positionBytes + from, piece.length), piece)
      } catch (error) {
        failure ??= error
      }
    }
  }
  const [first] = channels
  await Promise.all(
    Array.from({ length: MOST_UNDER_WAY }, (_, index) => sendOver(channels[index % channels.length] ?? first)),
  )
  if (failure !== undefined) throw failure
}
