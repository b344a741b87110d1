/** Restores as tasks of the node: which are of an archive, and how one ended. */
import { endingOf, isLost, statusText } from './job-ending.ts'
import type { RestoreEnding } from '../capabilities/restores.ts'
import { parseVolid, type Upid } from './identifiers.ts'
import type { TaskState } from './tasks.ts'

export const RESTORE_TYPES: ReadonlySet<string> = new Set(['qmrestore', 'vzrestore'])
/** What makes a guest of imported disks: it names no archive, and is known by the id that its restore holds. */
export const IMPORT_TYPE = 'qmcreate'

/** A restore says what it restores in its first line. */
export const HEAD_LINES = 20

/**
 * The archive that a restore's log names: a container's by its address, a VM's by its file's path in a command. Absent:
 * the log doesn't say, or doesn't say it yet.
 */
export function restoresArchive(lines: readonly string[], artifactRef: string): boolean | undefined {
  const fileName = parseVolid(artifactRef)?.volume.replace(/^backup\//, '') ?? artifactRef
  for (const line of lines) {
    const volid = /^recovering backed-up configuration from '(.+)'$/.exec(line)?.[1]
    if (volid !== undefined) return volid === artifactRef
    // All that a VM's restore says of a file that isn't there.
    if (line.includes(`volume '${artifactRef}' does not exist`)) return true
    if (!line.startsWith('restore vma archive: ')) continue
    return line.split(/[\s'"|]+/).some((word) => word.split('/').at(-1) === fileName)
  }
  return undefined
}

export function restoreEnding(state: TaskState, lines: readonly string[], { node, id }: Upid): RestoreEnding {
  if (state.running) return { ending: 'running', exitStatus: 'still running', warnings: [] }
  const taskLine = /^TASK (.*)$/.exec(lines.findLast((line) => line.trim() !== '') ?? '')?.[1]
  const log = { errors: [], ...(taskLine === undefined ? {} : { taskLine }) }
  const ending = endingOf(state, log)
  const exitStatus = statusText(state, log)
  const advice =
    ending === 'ok' ? undefined : adviceOn([...lines, exitStatus], isLost(state) && taskLine === undefined, node, id)
  return {
    ending,
    exitStatus,
    warnings: lines.flatMap((line) => /^WARN: (.*)/.exec(line)?.[1] ?? []).slice(0, 20),
    ...(advice === undefined ? {} : { advice }),
  }
}

function adviceOn(texts: readonly string[], lost: boolean, node: string, id: string): string | undefined {
  const said = (pattern: RegExp) => texts.some((text) => pattern.test(text))
  if (lost) return `The task on node ${node} ended without a word. Look at guest ${id} there before anything else.`
  if (said(/No space left on device|out of space/)) return 'The target storage is full: make room, or name another one.'
  if (said(/volume '[^']*' does not exist/)) return "The archive's file is gone from the storage: deliver it again."
  if (said(/is not available on storage|does not support container/)) {
    return 'The target storage takes no disks of this guest: allow it to, or name another one.'
  }
  if (said(/vma|tar:|zstd|gzip|lzop|contains no configuration/)) {
    return "The file on the node isn't what was archived, or is damaged: compare its checksum, and deliver it again."
  }
  return undefined
}
