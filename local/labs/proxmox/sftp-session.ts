/** One SFTP session over the node's paths, with as many reads at once as the client cares to send. */
import { close, fstat, open, read, readdir, stat, type Stats } from 'node:fs'
import { posix } from 'node:path'
import ssh2, { type Attributes, type FileEntry, type SFTPWrapper } from 'ssh2'
import type { SftpFault } from './faults.ts'
import { serveWriting } from './sftp-writing.ts'
import { localPath } from './storage-files.ts'
import type { World } from './world.ts'

const { OPEN_MODE, STATUS_CODE } = ssh2.utils.sftp
const DIRECTORY_MODE = 0o40755

interface OpenFile {
  kind: 'file'
  descriptor: number
}
interface OpenDirectory {
  kind: 'directory'
  entries: FileEntry[]
}

const attributes = (found: Stats): Attributes => ({
  mode: found.mode,
  uid: 0,
  gid: 0,
  size: found.size,
  atime: Math.floor(found.atimeMs / 1000),
  mtime: Math.floor(found.mtimeMs / 1000),
})
const directoryAttributes: Attributes = { mode: DIRECTORY_MODE, uid: 0, gid: 0, size: 4096, atime: 0, mtime: 0 }

const codeOf = (error: NodeJS.ErrnoException): number => {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return STATUS_CODE.NO_SUCH_FILE
  return error.code === 'EACCES' || error.code === 'EPERM' ? STATUS_CODE.PERMISSION_DENIED : STATUS_CODE.FAILURE
}

/** Directories above the storages exist for anyone who walks down to them. */
function virtualEntries(world: World, path: string): string[] {
  const prefix = path === '/' ? '/' : `${path}/`
  const below = world.site.storages.filter((storage) => storage.path.startsWith(prefix))
  return [...new Set(below.map((storage) => storage.path.slice(prefix.length).split('/')[0] ?? ''))].filter(
    (name) => name !== '',
  )
}

export function serveSftp(
  world: World,
  sftp: SFTPWrapper,
  faults: readonly SftpFault[],
  cut: () => void,
  root: () => string,
  /** The account may write where backups lie. */
  mayWrite: boolean,
): void {
  const handles = new Map<number, OpenFile | OpenDirectory>()
  let lastHandle = 0
  let delivered = 0
  const find = <K extends SftpFault['kind']>(kind: K): Extract<SftpFault, { kind: K }> | undefined =>
    faults.find((fault): fault is Extract<SftpFault, { kind: K }> => fault.kind === kind)
  const cutAfter = find('cut-after')?.bytes ?? Number.POSITIVE_INFINITY
  const stallAfter = find('stall-after')?.bytes ?? Number.POSITIVE_INFINITY
  const endsAt = find('short-file')?.bytes ?? Number.POSITIVE_INFINITY
  const readableBytes = find('disk-error')?.bytes ?? Number.POSITIVE_INFINITY
  const denied = find('permission-denied') !== undefined

  const resolve = (path: string): { virtual: string; real: string | undefined } => {
    const virtual = posix.join('/', root(), posix.resolve('/', path))
    return { virtual, real: localPath(world, virtual) }
  }
  const hold = (entry: OpenFile | OpenDirectory): Buffer => {
    lastHandle += 1
    handles.set(lastHandle, entry)
    const handle = Buffer.alloc(4)
    handle.writeUInt32BE(lastHandle)
    return handle
  }
  const held = (handle: Buffer): OpenFile | OpenDirectory | undefined =>
    handle.length === 4 ? handles.get(handle.readUInt32BE()) : undefined
  const refuse = (id: number): void => sftp.status(id, STATUS_CODE.PERMISSION_DENIED)

  const writing = mayWrite
    ? serveWriting({
        world,
        sftp,
        faults,
        cut,
        resolve,
        hold: (descriptor) => hold({ kind: 'file', descriptor }),
        held: (handle) => {
          const file = held(handle)
          return file?.kind === 'file' ? file.descriptor : undefined
        },
      })
    : undefined

  sftp.on('OPEN', (id, path, flags) => {
    const onlyReads = (flags & ~OPEN_MODE.READ) === 0
    if (denied || (!onlyReads && writing === undefined)) {
      refuse(id)
      return
    }
    if (!onlyReads) {
      writing?.open(id, path, flags)
      return
    }
    const { real } = resolve(path)
    if (real === undefined) {
      sftp.status(id, STATUS_CODE.NO_SUCH_FILE)
      return
    }
    open(real, 'r', (error, descriptor) => {
      if (error) sftp.status(id, codeOf(error))
      else sftp.handle(id, hold({ kind: 'file', descriptor }))
    })
  })

  sftp.on('READ', (id, handle, offset, length) => {
    const file = held(handle)
    if (file?.kind !== 'file') {
      sftp.status(id, STATUS_CODE.FAILURE)
      return
    }
    if (offset + length > readableBytes) {
      sftp.status(id, STATUS_CODE.FAILURE)
      return
    }
    const wanted = Math.min(length, 256 * 1024, endsAt - offset)
    if (wanted <= 0) {
      sftp.status(id, STATUS_CODE.EOF)
      return
    }
    read(file.descriptor, Buffer.allocUnsafe(wanted), 0, wanted, offset, (error, bytes, data) => {
      if (delivered >= stallAfter) return
      if (error) sftp.status(id, codeOf(error))
      else if (bytes === 0) sftp.status(id, STATUS_CODE.EOF)
      else {
        delivered += bytes
        if (delivered > cutAfter) cut()
        else if (delivered <= stallAfter) sftp.data(id, bytes === wanted ? data : data.subarray(0, bytes))
      }
    })
  })

  const statPath = (id: number, path: string): void => {
    const { virtual, real } = resolve(path)
    if (real === undefined) {
      if (virtual === '/' || virtualEntries(world, virtual).length > 0) sftp.attrs(id, directoryAttributes)
      else sftp.status(id, STATUS_CODE.NO_SUCH_FILE)
      return
    }
    stat(real, (error, found) => {
      if (error) sftp.status(id, codeOf(error))
      else sftp.attrs(id, attributes(found))
    })
  }
  sftp.on('STAT', statPath)
  sftp.on('LSTAT', statPath)
  sftp.on('FSTAT', (id, handle) => {
    const file = held(handle)
    if (file?.kind !== 'file') {
      sftp.status(id, STATUS_CODE.FAILURE)
      return
    }
    fstat(file.descriptor, (error, found) => {
      if (error) sftp.status(id, codeOf(error))
      else sftp.attrs(id, attributes(found))
    })
  })

  const entry = (filename: string, attrs: Attributes): FileEntry => {
    const kind = (attrs.mode & 0o170000) === 0o040000 ? 'd' : '-'
    return {
      filename,
      longname: `${kind}rw-r--r--    1 root     root     ${String(attrs.size).padStart(12)} ${filename}`,
      attrs,
    }
  }
  sftp.on('OPENDIR', (id, path) => {
    const { virtual, real } = resolve(path)
    if (real === undefined) {
      const names = virtualEntries(world, virtual)
      if (names.length === 0) sftp.status(id, STATUS_CODE.NO_SUCH_FILE)
      else sftp.handle(id, hold({ kind: 'directory', entries: names.map((name) => entry(name, directoryAttributes)) }))
      return
    }
    readdir(real, { withFileTypes: true }, (error, found) => {
      if (error) {
        sftp.status(id, codeOf(error))
        return
      }
      const listed = found.map(
        (each) =>
          new Promise<FileEntry | undefined>((done) => {
            stat(posix.join(real, each.name), (failed, at) =>
              done(failed ? undefined : entry(each.name, attributes(at))),
            )
          }),
      )
      void Promise.all(listed).then((all) =>
        sftp.handle(id, hold({ kind: 'directory', entries: all.filter((each) => each !== undefined) })),
      )
    })
  })
  sftp.on('READDIR', (id, handle) => {
    const directory = held(handle)
    if (directory?.kind !== 'directory') sftp.status(id, STATUS_CODE.FAILURE)
    else if (directory.entries.length === 0) sftp.status(id, STATUS_CODE.EOF)
    else sftp.name(id, directory.entries.splice(0, 100))
  })
  sftp.on('REALPATH', (id, path) => {
    sftp.name(id, [{ filename: posix.resolve('/', path), longname: '', attrs: directoryAttributes }])
  })
  sftp.on('CLOSE', (id, handle) => {
    const closed = held(handle)
    if (closed === undefined) {
      sftp.status(id, STATUS_CODE.FAILURE)
      return
    }
    handles.delete(handle.readUInt32BE())
    if (closed.kind === 'file' && writing !== undefined) writing.close(id, closed.descriptor)
    else if (closed.kind === 'file') close(closed.descriptor, () => sftp.status(id, STATUS_CODE.OK))
    else sftp.status(id, STATUS_CODE.OK)
  })
  const writers = ['WRITE', 'FSETSTAT', 'SETSTAT', 'REMOVE', 'RENAME'] as const
  for (const name of ['RMDIR', 'MKDIR', 'SYMLINK', ...(writing === undefined ? writers : [])] as const) {
    sftp.on(name, (id: number) => refuse(id))
  }
  sftp.on('READLINK', (id) => sftp.status(id, STATUS_CODE.NO_SUCH_FILE))
  // OpenSSH's client sends the end of its input and waits for the server to close the channel.
  sftp.on('end', () => sftp.end())
  // A client that vanishes leaves its files open otherwise.
  sftp.on('close', () => {
    for (const each of handles.values()) {
      if (each.kind === 'file') close(each.descriptor, () => undefined)
    }
    handles.clear()
  })
}
