import { BackupFailed } from '../contracts/errors.ts'
import type { BackupEvidence } from '../contracts/evidence.ts'
import type { TaskInput, TaskOutput } from '../contracts/tasks.ts'
import { judge } from '../domain/verdict.ts'
import { evidenceKey } from '../domain/object-keys.ts'
import { evidenceShape } from './books/shapes.ts'
import { writeRecord } from './books/stored-json.ts'
import { readKeptEvidence } from './kept-evidence.ts'
import type { Ports } from './ports.ts'

type Needs = Pick<Ports, 'store' | 'provider'>

/**
 * Gather what is known about the ended job, keep it (a failed backup's log is what the operator needs most), judge it.
 * @throws BackupFailed with the verdict's reason
 */
export async function locateArchive(
  { item, jobRef }: TaskInput<'LocateArchive'>,
  ports: Needs,
): Promise<TaskOutput<'LocateArchive'>> {
  const provider = await ports.provider(item.site)
  const key = evidenceKey(item.run.prefix, item.guest.id)
  const found = await provider.gatherEvidence(jobRef, item.guest, item.backup.storage)
  const evidence = sinceThen(found, (await readKeptEvidence(key, ports))?.evidence)
  const log = await provider.readLog(jobRef).catch((error: unknown) => {
    // A log that was rotated away is for the verdict to judge, not a fault of its own.
    if (evidence.logComplete) throw error
    return ''
  })
  await writeRecord(ports.store, key, evidenceShape, { evidence, log })
  const verdict = judge(evidence)
  if (!verdict.good || evidence.listed === undefined) {
    throw new BackupFailed(
      `Site ${item.site}: the backup of guest ${item.guest.id} did not yield an archive: ${verdict.reason} ` +
        `Job ${jobRef}; its log is kept in s3://${ports.store.bucket}/${key}.`,
    )
  }
  return { artifacts: [evidence.listed], verdict, evidenceKey: key }
}

/**
 * An execution that goes on for a dead one looks at the same job again. Its archive is finished: one that has another size
 * than at the first look is not what the job made, however steady it is now.
 */
function sinceThen(now: BackupEvidence, before: BackupEvidence | undefined): BackupEvidence {
  const { listed } = before ?? {}
  const same = listed !== undefined && before?.jobRef === now.jobRef && listed.artifactRef === now.listed?.artifactRef
  return same ? { ...now, listed, ...(now.listed && { listedAgainSizeBytes: now.listed.sizeBytes }) } : now
}
