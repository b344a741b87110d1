/** Gathers what is known about an ended backup from its task, its log and the storage. Judging is `domain/verdict.ts`. */
import type { BackupEvidence } from '../../contracts/evidence.ts'
import type { Guest, SourceArtifact } from '../../contracts/nouns.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { adviceOn, NoSuchTask, NoSuchVolume } from './errors.ts'
import { endingOf, isLost, statusText, withoutOurs } from './job-ending.ts'
import { backupVolid, parseArchiveName, parseVolid, type Upid } from './identifiers.ts'
import { unlock } from './locks.ts'
import { withoutMark } from './notes-template.ts'
import { gradeOf } from './grade.ts'
import { leftBehind, removalOf } from './left-behind.ts'
import { adviceOnUnlisted } from './not-listed.ts'
import { findOpening } from './opening-line.ts'
import { volumeRowsSchema, volumeSchema } from './schemas.ts'
import { readTaskLog, type TaskLog } from './task-log.ts'
import type { TaskReader, TaskState } from './tasks.ts'
import { unsaidGaps } from './unsaid-gaps.ts'
import { usedOptions } from './used-options.ts'

/** Between two looks at the archive's size, and before a status that makes no sense is believed. */
const SECOND_LOOK_MS = 2000

/** The evidence, and the whole log that it was read from. */
export async function gatherEvidence(
  client: ApiClient,
  tasks: TaskReader,
  sleep: (milliseconds: number) => Promise<void>,
  job: { ref: string; upid: Upid },
  guest: Guest,
  askedStorage: string,
): Promise<{ evidence: BackupEvidence; lines: string[] }> {
  const { state, lines } = await endedTask(tasks, sleep, job.ref)
  const log = readTaskLog(lines, guest.id)
  const opening = findOpening(lines)
  const noted = opening?.options.get('notes-template')?.at(-1)
  const { ending, warnings } = withoutOurs(endingOf(state, log), state, log, noted)
  const used = usedOptions(log, opening)
  // The job says itself where it dumps to; what was asked for is what is left where it doesn't.
  const storage = used.storage ?? askedStorage
  const about = client.about('look up the archive', { node: job.upid.node, guest: guest.id, storage })
  const evidence: BackupEvidence = {
    jobRef: job.ref,
    jobStartedAt: new Date(job.upid.startTime * 1000).toISOString(),
    exitStatus: statusText(state, log),
    ending,
    warnings,
    errors: log.errors,
    ...(log.remarks.length === 0 ? {} : { remarks: log.remarks }),
    ...(Object.keys(used).length === 0 ? {} : { used }),
    guestFinished: log.finished,
    logComplete: log.begins && log.taskLine !== undefined,
  }
  if (log.failure !== undefined) evidence.guestFailure = log.failure
  if (log.archiveName !== undefined) evidence.archiveName = log.archiveName
  if (log.contentBytes !== undefined) evidence.contentBytes = log.contentBytes
  const advice =
    ending === 'unknown'
      ? `Check the guest on node ${job.upid.node}; if nothing works on it, ${unlock({ ...guest, node: job.upid.node })}.`
      : adviceOn([...log.section, evidence.exitStatus], about, guest.kind)
  if (advice !== undefined) evidence.advice = advice
  const look = (volid: string) => findVolume(client, about, volid, guest.id)
  if (log.archiveName === undefined || (!log.finished && ending !== 'ok' && ending !== 'warnings')) {
    const left = state.running ? [] : await leftBehind(log, job.upid, storage, look)
    return { evidence: { ...evidence, ...(left.length === 0 ? {} : { left }) }, lines }
  }
  const volid = backupVolid(storage, log.archiveName)
  const first = await look(volid)
  if (first === undefined) {
    evidence.advice ??= await adviceOnUnlisted(client, {
      storage,
      guest: { ...guest, node: job.upid.node },
      archiveName: log.archiveName,
      jobStart: job.upid.startTime,
    })
    return { evidence, lines }
  }
  const volume = await describeVolume(client, about, first.volid)
  if (volume === undefined) return { evidence, lines }
  await sleep(SECOND_LOOK_MS)
  const second = await look(volid)
  evidence.listed = {
    artifactRef: first.volid,
    fileName: log.archiveName,
    sizeBytes: first.size,
    createdAt: new Date(createdAtSeconds(first.ctime, job.upid, log) * 1000).toISOString(),
    location: {
      node: job.upid.node,
      path: volume.path,
      storage,
      volume: parseVolid(first.volid)?.volume ?? first.volid,
    },
  } satisfies SourceArtifact
  evidence.removeWith = removalOf(first.volid)
  if (evidence.logComplete) {
    const unsaid = guest.kind === 'container' ? await unsaidGaps(client, guest, job.upid.node, storage) : undefined
    evidence.grade = gradeOf(log, guest, opening, unsaid)
  }
  if (second !== undefined) evidence.listedAgainSizeBytes = second.size
  const notes = withoutMark(volume.notes ?? '')
  if (notes !== '') evidence.notes = notes
  return { evidence, lines }
}

/**
 * Status and log of an ended task. A process that is gone before its last line is flushed reads `unexpected status`, and
 * the API's workers cache that, so both are read again after a pause, and the log has the last word.
 */
async function endedTask(tasks: TaskReader, sleep: (milliseconds: number) => Promise<void>, ref: string) {
  const read = async () => {
    const state = await tasks.state(ref).catch((error: unknown): TaskState => {
      if (error instanceof NoSuchTask) return { running: false, exitStatus: 'no such task' }
      throw error
    })
    const lines = await tasks.log(ref).catch((error: unknown): string[] => {
      if (error instanceof NoSuchTask) return []
      throw error
    })
    return { state, lines }
  }
  const ended = await read()
  if (isLost(ended.state)) {
    await sleep(SECOND_LOOK_MS)
    return read()
  }
  return ended
}

async function findVolume(client: ApiClient, about: ReturnType<ApiClient['about']>, volid: string, vmid: string) {
  const path = apiPath`/nodes/${about.node ?? ''}/storage/${about.storage ?? ''}/content`
  const page = await client.get(path + apiQuery({ content: 'backup', vmid }), volumeRowsSchema, about)
  return page.data.find((row) => row.volid === volid)
}

async function describeVolume(client: ApiClient, about: ReturnType<ApiClient['about']>, volid: string) {
  try {
    const path = apiPath`/nodes/${about.node ?? ''}/storage/${about.storage ?? ''}/content/${volid}`
    return (await client.get(path, volumeSchema, about)).data
  } catch (error) {
    if (error instanceof NoSuchVolume) return undefined
    throw error
  }
}

/**
 * The storage reads an archive's time from its name, in the node's local time. In the hour that is repeated when clocks
 * go back it may pick the first pass for the second and report an hour too early, before the job began. Put right only
 * where this job's log shows that the name is this job's: the guest's start in the log is the time in the name.
 */
function createdAtSeconds(ctime: number, { startTime }: Upid, { archiveName, startedLocal }: TaskLog): number {
  const anHourLater = ctime + 3600
  if (ctime >= startTime || anHourLater < startTime || archiveName === undefined) return ctime
  const inName = parseArchiveName(archiveName)?.localTime.replace(/\D/g, '')
  return inName === startedLocal?.replace(/\D/g, '') ? anHourLater : ctime
}
