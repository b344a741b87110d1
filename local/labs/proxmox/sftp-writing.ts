/** The part of an SFTP session that writes: for the account that brings archives back, and in folders of backups alone. */
import { close, constants, fsync, link, open, unlink, write } from 'node:fs'
import { posix } from 'node:path'
import ssh2, { type SFTPWrapper } from 'ssh2'
import type { SftpFault } from './faults.ts'
import type { World } from './world.ts'

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp

interface Session {
  world: World
  sftp: SFTPWrapper
  faults: readonly SftpFault[]
  cut: () => void
  resolve: (path: string) => { virtual: string; real: string | undefined }
  hold: (descriptor: number) => Buffer
  /** The descriptor of an open file. */
  held: (handle: Buffer) => number | undefined
}

/** As fopen's words, which Node.js takes. */
function flagsOf(mode: number): number {
  const access = (mode & OPEN_MODE.READ) === 0 ? constants.O_WRONLY : constants.O_RDWR
  const create = (mode & OPEN_MODE.CREAT) === 0 ? 0 : constants.O_CREAT
  const exclusive = (mode & OPEN_MODE.EXCL) === 0 ? 0 : constants.O_EXCL
  return access | create | exclusive | constants.O_NOFOLLOW
}

/** Serves what writes of a session; `open` is what opens a file for reading alone. */
export function serveWriting({ world, sftp, faults, cut, resolve, hold, held }: Session) {
  let written = 0
  const cutAfter = faults.find((fault) => fault.kind === 'cut-after')?.bytes ?? Number.POSITIVE_INFINITY
  const roomBytes = faults.find((fault) => fault.kind === 'disk-full')?.bytes ?? Number.POSITIVE_INFINITY
  const spoiling = faults.find((fault) => fault.kind === 'wrong-byte')
  let wrongWrites = spoiling?.writes ?? 0

  /** A file right in a folder of backups, which is all that the account may touch. */
  const writable = (path: string): string | undefined => {
    const { virtual, real } = resolve(path)
    const folders = world.site.storages.map((storage) => `${storage.path}/dump`)
    return folders.includes(posix.dirname(virtual)) ? real : undefined
  }
  const answer = (id: number, error: NodeJS.ErrnoException | null): void => {
    if (error === null) sftp.status(id, STATUS_CODE.OK)
    else if (error.code === 'ENOENT') sftp.status(id, STATUS_CODE.NO_SUCH_FILE)
    else sftp.status(id, STATUS_CODE.FAILURE, error.code ?? 'failure')
  }

  /** What reaches the disk of bytes that are written at this place. */
  const onDisk = (offset: number, data: Buffer): Buffer => {
    const at = (spoiling?.at ?? 0) - offset
    if (wrongWrites === 0 || at < 0 || at >= data.length) return data
    wrongWrites -= 1
    const other = Buffer.from(data)
    other.writeUInt8(other.readUInt8(at) ^ 1, at)
    return other
  }

  sftp.on('WRITE', (id, handle, offset, data) => {
    const descriptor = held(handle)
    if (descriptor === undefined) {
      sftp.status(id, STATUS_CODE.FAILURE)
      return
    }
    written += data.length
    if (written > cutAfter) cut()
    // OpenSSH has this one word for it.
    else if (offset + data.length > roomBytes) sftp.status(id, STATUS_CODE.FAILURE, 'Failure')
    else write(descriptor, onDisk(offset, data), 0, data.length, offset, (error) => answer(id, error))
  })
  sftp.on('REMOVE', (id, path) => {
    const real = writable(path)
    if (real === undefined) sftp.status(id, STATUS_CODE.PERMISSION_DENIED)
    else unlink(real, (error) => answer(id, error))
  })
  // As OpenSSH does it: a second name, which can't replace a file, then the first one goes.
  sftp.on('RENAME', (id, from, to) => {
    const [old, fresh] = [writable(from), writable(to)]
    if (old === undefined || fresh === undefined) {
      sftp.status(id, STATUS_CODE.PERMISSION_DENIED)
      return
    }
    link(old, fresh, (error) => {
      if (error) answer(id, error)
      else unlink(old, (failed) => answer(id, failed))
    })
  })
  for (const name of ['FSETSTAT', 'SETSTAT'] as const) sftp.on(name, (id: number) => sftp.status(id, STATUS_CODE.OK))

  return {
    open(id: number, path: string, mode: number): void {
      const real = writable(path)
      if (real === undefined) {
        sftp.status(id, STATUS_CODE.PERMISSION_DENIED)
        return
      }
      open(real, flagsOf(mode), 0o640, (error, descriptor) => {
        if (error) answer(id, error)
        else sftp.handle(id, hold(descriptor))
      })
    },
    /** What was written is on the disk before its handle is given back. */
    close(id: number, descriptor: number): void {
      fsync(descriptor, () => close(descriptor, (error) => answer(id, error ?? null)))
    },
  }
}
