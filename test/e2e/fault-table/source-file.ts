/** The file on the node can't be read, or isn't the one that it was. */
import { appendFileSync } from 'node:fs'
import { newestArchive } from './bed.ts'
import { type BackupFault, onBoth } from './fault.ts'

const MIB = 2 ** 20
const theme = 'File on the node'
const copying = { state: 'Copy parts' }

export const sourceFileFaults: readonly BackupFault[] = [
  {
    name: 'the file ends before its size says, over SFTP',
    theme,
    route: 'sftp',
    happens: 'the guest fails',
    when: copying,
    inject: ({ site }) => site.lab.faults.onSftp({ kind: 'short-file', bytes: MIB }, 99),
    expected: ['ShortRead'],
    cause: /ended before its size/,
  },
  {
    name: 'the file server sends less than the range it announced, each time',
    theme,
    route: 'https',
    happens: 'the guest fails',
    when: copying,
    inject: ({ web }) => {
      web.misbehave = ({ headers }, response) => {
        const [, from] = /^bytes=(\d+)-/.exec(headers.range ?? '') ?? []
        if (from === undefined) return false
        response.writeHead(416, { 'content-range': `bytes */${MIB}`, 'content-length': 0 }).end()
        return true
      }
    },
    expected: ['ShortRead', 'SourceChanged'],
    cause: /ends|changed/,
  },
  {
    name: 'the disk under the file fails, over SFTP',
    theme,
    route: 'sftp',
    happens: 'the guest fails',
    when: copying,
    inject: ({ site }) => site.lab.faults.onSftp({ kind: 'disk-error', bytes: MIB }, 99),
    expected: ['SourceUnreadable'],
    cause: /failed to read.*Check the storage/,
  },
  {
    name: 'the file server answers 500 for a while, as with a disk that fails',
    theme,
    route: 'https',
    happens: 'read again after a pause; for up to two hours',
    when: copying,
    inject: ({ web }) => {
      let left = 2
      web.misbehave = ({ headers }, response) => {
        if (headers.range === undefined || left-- <= 0) return false
        response.writeHead(500, { 'content-length': 0 }).end()
        return true
      }
    },
    expected: 'succeeded',
    cause: /answered 500/,
  },
  {
    name: 'the file server cuts each answer short, as with a disk that fails there',
    theme,
    route: 'https',
    happens: 'read on from there over a new connection',
    when: copying,
    inject: ({ web }) => {
      let left = 2
      web.misbehave = ({ headers }, response) => {
        if (headers.range === undefined || left-- <= 0) return false
        const { socket } = response
        setTimeout(() => socket?.destroy(), 20)
        return false
      }
    },
    expected: 'succeeded',
  },
  {
    name: 'the file server ignores Range and sends everything',
    theme,
    route: 'https',
    happens: 'the guest fails; no byte of it is used',
    when: copying,
    inject: ({ web }) => {
      web.misbehave = (request) => {
        delete request.headers.range
        return false
      }
    },
    expected: ['SourceUnreadable'],
    cause: /ignores Range/,
  },
  {
    name: 'the account loses the right to read the file',
    theme,
    route: 'sftp',
    happens: 'the guest fails',
    when: copying,
    inject: ({ site }) => site.lab.faults.onSftp({ kind: 'permission-denied' }, 99),
    expected: ['SourceUnreadable'],
    cause: /may not read/,
  },
  ...onBoth((route) => ({
    name: `the file is replaced by another of its name and size (${route})`,
    theme,
    route,
    happens: 'the guest fails; bytes of two files never meet',
    when: copying,
    inject: (bed) => {
      const { file } = newestArchive(bed)
      bed.site.lab.control.replaceArchive(file, Buffer.alloc(3 * MIB, 1))
      bed.site.lab.control.touchArchive(file, new Date(Date.now() + 60_000))
    },
    expected: ['SourceChanged'],
    cause: /changed while it was copied/,
  })),
  ...onBoth((route) => ({
    name: `the file is touched (${route})`,
    theme,
    route,
    happens: 'the guest fails',
    when: copying,
    inject: (bed) => bed.site.lab.control.touchArchive(newestArchive(bed).file, new Date(Date.now() + 60_000)),
    expected: ['SourceChanged'],
    cause: /changed while it was copied/,
  })),
  ...onBoth((route) => ({
    name: `the file grows (${route})`,
    theme,
    route,
    happens: 'the guest fails',
    when: copying,
    inject: (bed) => appendFileSync(newestArchive(bed).path, Buffer.alloc(MIB, 7)),
    expected: ['SourceChanged'],
    cause: /changed while it was copied/,
  })),
  ...onBoth((route) => ({
    name: `the file is truncated (${route})`,
    theme,
    route,
    happens: 'the guest fails',
    when: copying,
    inject: (bed) => bed.site.lab.control.truncateArchive(newestArchive(bed).file, MIB),
    expected: ['ShortRead', 'SourceChanged'],
  })),
  ...onBoth((route) => ({
    name: `the file is gone (${route})`,
    theme,
    route,
    happens: 'the guest fails',
    when: copying,
    inject: (bed) => bed.site.lab.control.removeArchive(newestArchive(bed).file),
    expected: ['SourceUnreadable', 'SourceChanged'],
    cause: /doesn't exist|no such file/,
    losesSource: true,
  })),
]
