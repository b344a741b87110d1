/** What a dump really used, from its own log: a container may fall back to another mode, a job may be another's. */
import type { UsedOptions } from '../../contracts/evidence.ts'
import { parseArchiveName } from './identifiers.ts'
import type { OpeningLine } from './opening-line.ts'
import type { TaskLog } from './task-log.ts'

const MODES: Readonly<Record<string, UsedOptions['mode']>> = { snapshot: 'snapshot', suspend: 'suspend', stop: 'stop' }
const PACKED: Readonly<Record<string, UsedOptions['compress']>> = { zst: 'zstd', gz: 'gzip', tgz: 'gzip', lzo: 'lzo' }

export function usedOptions(log: TaskLog, opening: OpeningLine | undefined): UsedOptions {
  const mode = MODES[log.mode ?? '']
  const compress = compressOf(log.archiveName)
  const storage = opening?.options.get('storage')?.at(-1)
  return {
    ...(mode === undefined ? {} : { mode }),
    ...(compress === undefined ? {} : { compress }),
    ...(storage === undefined ? {} : { storage }),
    ...(log.guestStatus === 'stopped' ? { guestStopped: true } : {}),
    ...(log.modeFailure === undefined ? {} : { modeBecause: log.modeFailure }),
  }
}

function compressOf(archiveName: string | undefined): UsedOptions['compress'] {
  const { extension } = parseArchiveName(archiveName ?? '') ?? {}
  if (extension === 'vma' || extension === 'tar') return 'none'
  return PACKED[extension?.split('.').at(-1) ?? '']
}
