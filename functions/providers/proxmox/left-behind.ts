/** What a job that failed left on its node. Only what its own log names, so that nothing of another's is ever meant. */
import type { LeftBehind } from '../../contracts/evidence.ts'
import { GuestliftError } from '../../contracts/errors.ts'
import { backupVolid } from './identifiers.ts'
import type { TaskLog } from './task-log.ts'

interface Listed {
  volid: string
  /** Unix seconds. */
  ctime: number
}

/** The allowance of `domain/verdict.ts`: what is older than that isn't this job's. */
const CLOCK_ALLOWANCE_SECONDS = 30

/** The command that removes an archive on its node. */
export function removalOf(volid: string): string {
  return `pvesm free ${quoted(volid)}`
}

/**
 * An archive that was whole before something failed (a hook in `backup-end`, a stop in the last moment) lies on its
 * storage under its own name. A worker that was killed leaves what it was writing, which no list shows.
 */
export async function leftBehind(
  log: TaskLog,
  { node, startTime }: { node: string; startTime: number },
  storage: string,
  look: (volid: string) => Promise<Listed | undefined>,
): Promise<LeftBehind[]> {
  const { archiveName, archivePath } = log
  if (archiveName === undefined || archivePath === undefined || log.finished) return []
  const left: LeftBehind[] = []
  if (log.packed) {
    const found = await look(backupVolid(storage, archiveName)).catch((error: unknown) => {
      // A storage that failed the backup may not answer either.
      if (error instanceof GuestliftError) return undefined
      throw error
    })
    if (found !== undefined && found.ctime >= startTime - CLOCK_ALLOWANCE_SECONDS) {
      left.push({ what: found.volid, node, remove: removalOf(found.volid), artifactRef: found.volid })
    }
  }
  // A worker that ends by itself says how its guest ended, and cleans up before.
  if (log.failure === undefined && log.taskLine === undefined) {
    const partial = archivePath.replace(/\.[^./]+$/, '.dat')
    const scratch = log.scratchFolder ?? `${archivePath.replace(/\.(?:tgz|(?:vma|tar)(?:\.\w+)?)$/, '')}.tmp`
    left.push({ what: partial, node, remove: `rm ${quoted(partial)}` })
    left.push({ what: scratch, node, remove: `rm -r ${quoted(scratch)}` })
  }
  return left
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
