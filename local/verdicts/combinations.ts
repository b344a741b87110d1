/** Every combination of evidence that can decide, and what the product makes of it: the functions that judge are called. */
import { judgeJob } from '../../functions/providers/proxmox/judge-job.ts'
import type { BackupEvidence } from '../../functions/contracts/evidence.ts'
import type { SourceIdentity } from '../../functions/contracts/nouns.ts'
import { judgeObject, judgeSource, judgeUnchanged } from '../../functions/domain/transfer/copy-verdict.ts'
import { crc32ToBase64 } from '../../functions/domain/transfer/crc32.ts'
import { judge } from '../../functions/domain/backup/verdict.ts'
import { endingOf } from '../../functions/providers/proxmox/job-ending.ts'

/** `evidence` holds words of this table; docs/faults.md explains them. */
export interface Row {
  stage: 'ending' | 'backup' | 'several' | 'made' | 'source' | 'reading' | 'object'
  evidence: Readonly<Record<string, string | boolean>>
  verdict: string
  good: boolean
  reason: string
}

/** Every choice of one value for each name, the last name varying fastest. */
function* combinations<const Values extends Record<string, readonly (string | boolean)[]>>(
  values: Values,
): Generator<{ [Name in keyof Values]: Values[Name][number] }> {
  const names = Object.keys(values)
  const counts = names.map((name) => values[name]?.length ?? 0)
  const total = counts.reduce((product, count) => product * count, 1)
  for (let index = 0; index < total; index += 1) {
    let rest = index
    const chosen: Record<string, string | boolean | undefined> = {}
    for (const [at, name] of [...names.entries()].toReversed()) {
      const count = counts[at] ?? 1
      chosen[name] = values[name]?.[rest % count]
      rest = Math.floor(rest / count)
    }
    // Every name has a value from its own list.
    yield Object.fromEntries(names.map((name) => [name, chosen[name]])) as {
      [Name in keyof Values]: Values[Name][number]
    }
  }
}

/** Exit status, last line and errors of the task's log → how the job ended. */
function* endings(): Generator<Row> {
  for (const evidence of combinations({
    taskStatus: ['stopped', 'running'],
    exitStatus: [
      'OK',
      'WARNINGS: 2',
      'job errors',
      'got timeout',
      '403 Permission check failed (/vms/100, VM.Backup)',
      'interrupted by signal',
      'received interrupt',
      'unexpected status',
      'unable to get last line from task log',
      'no such task',
      'absent',
    ],
    lastLogLine: [
      'absent',
      'TASK OK',
      'TASK WARNINGS: 2',
      'TASK ERROR: job errors',
      'TASK ERROR: interrupted by signal',
    ],
    logError: [
      'none',
      "can't acquire lock '/var/run/vzdump.lock' - got timeout",
      "can't acquire lock '/var/run/vzdump.lock' - interrupted by signal",
    ],
  })) {
    const { taskStatus, exitStatus, lastLogLine, logError } = evidence
    if (taskStatus === 'running' && exitStatus !== 'absent') continue
    const state = { running: taskStatus === 'running', ...(exitStatus === 'absent' ? {} : { exitStatus }) }
    const ending = endingOf(state, {
      ...(lastLogLine === 'absent' ? {} : { taskLine: lastLogLine.replace(/^TASK /, '') }),
      errors: logError === 'none' ? [] : [logError],
    })
    const good = ending === 'ok' || ending === 'warnings'
    const reason = good ? 'The job may have succeeded: the backup stage decides.' : 'The job did not succeed.'
    yield { stage: 'ending', evidence, verdict: ending, good, reason }
  }
}

const jobStartedAt = '2026-11-22T02:00:05.000Z'
const archiveName = 'vzdump-qemu-100-2026_11_22-02_00_07.vma.zst'
const location = {
  node: 'pve1',
  path: `/mnt/pve/nas/dump/${archiveName}`,
  storage: 'nas',
  volume: `backup/${archiveName}`,
}

const ages = {
  'after the job began': '2026-11-22T02:00:07.000Z',
  'when the job began': jobStartedAt,
  '30 s before the job': '2026-11-22T01:59:35.000Z',
  '31 s before the job': '2026-11-22T01:59:34.000Z',
  'not readable': 'not a time',
} as const

/** Everything about the ended job and its archive on the storage → the backup's verdict. */
function* backups(): Generator<Row> {
  for (const evidence of combinations({
    ending: ['ok', 'warnings', 'errors', 'interrupted', 'unknown'],
    guestFailure: [false, true],
    remarks: [false, true],
    logComplete: [true, false],
    guestFinished: [true, false],
    archiveNamed: [true, false],
    listed: ['the named archive', 'another archive', 'absent'],
    secondLook: ['same size', 'other size', 'absent'],
    empty: [false, true],
    archiveTime: [
      'after the job began',
      'when the job began',
      '30 s before the job',
      '31 s before the job',
      'not readable',
    ],
  })) {
    const { listed, secondLook, empty, archiveTime } = evidence
    // What isn't listed has neither size nor time.
    if (listed === 'absent' && (secondLook !== 'absent' || empty || archiveTime !== 'after the job began')) continue
    const { name, good, reason } = judge(evidenceOf(evidence), judgeJob)
    yield { stage: 'backup', evidence, verdict: name, good, reason }
  }
}

/** An archive of two sources: each is good, but the two may not go together → its verdict. */
function* several(): Generator<Row> {
  for (const evidence of combinations({ names: ['different', 'the same'], times: ['one', 'two'] })) {
    const good = evidenceOf(sound)
    const { listed, listedAgainSizeBytes } = good
    if (listed === undefined || listedAgainSizeBytes === undefined) continue
    const other = {
      ...listed,
      ...(evidence.names === 'different' ? { fileName: `other-${listed.fileName}` } : {}),
      ...(evidence.times === 'two' ? { createdAt: new Date(Date.parse(listed.createdAt) + 1000).toISOString() } : {}),
    }
    const sources = [listed, other].map((artifact) => ({ artifact, listedAgainSizeBytes }))
    const { name, good: isGood, reason } = judge({ ...good, sources }, judgeJob)
    yield { stage: 'several', evidence, verdict: name, good: isGood, reason }
  }
}

/** A good backup that isn't all that was asked for → its verdict. */
function* made(): Generator<Row> {
  for (const evidence of combinations({
    modeAsked: ['snapshot', 'suspend', 'stop'],
    modeUsed: ['snapshot', 'suspend', 'stop', 'absent'],
    guestStopped: [false, true],
    unknownLogLine: [false, true],
    guestStaysLocked: [false, true],
  })) {
    const { modeAsked, modeUsed, guestStopped, unknownLogLine, guestStaysLocked } = evidence
    const good = evidenceOf(sound)
    const { name, ...verdict } = judge(
      {
        ...good,
        used: { ...(modeUsed === 'absent' ? {} : { mode: modeUsed }), ...(guestStopped ? { guestStopped } : {}) },
        ...(unknownLogLine ? { remarks: ['unable to open file - Transport endpoint is not connected'] } : {}),
        ...(guestStaysLocked ? { leftLock: 'Guest 100 stays locked (backup).' } : {}),
      },
      judgeJob,
      { mode: modeAsked },
    )
    yield { stage: 'made', evidence, verdict: name, good: verdict.good, reason: verdict.reason }
  }
}

interface Choice {
  ending: BackupEvidence['ending']
  guestFailure: boolean
  remarks: boolean
  logComplete: boolean
  guestFinished: boolean
  archiveNamed: boolean
  listed: string
  secondLook: string
  empty: boolean
  archiveTime: keyof typeof ages
}

const sound: Choice = {
  ending: 'ok',
  guestFailure: false,
  remarks: false,
  logComplete: true,
  guestFinished: true,
  archiveNamed: true,
  listed: 'the named archive',
  secondLook: 'same size',
  empty: false,
  archiveTime: 'after the job began',
}

const statusOf: Record<BackupEvidence['ending'], string> = {
  ok: 'OK',
  warnings: 'WARNINGS: 1',
  errors: 'job errors',
  interrupted: 'interrupted by signal',
  unknown: 'unexpected status',
}

function evidenceOf(choice: Choice): BackupEvidence {
  const sizeBytes = choice.empty ? 0 : 1_000_000
  const again = choice.secondLook === 'same size' ? sizeBytes : sizeBytes + 65_536
  const listed = {
    artifactRef: `nas:backup/${archiveName}`,
    fileName: choice.listed === 'another archive' ? 'vzdump-qemu-100-2026_11_21-02_00_07.vma.zst' : archiveName,
    sizeBytes,
    createdAt: ages[choice.archiveTime],
    location,
  }
  return {
    jobRef: 'UPID:pve1:0000211A:0003B7FF:6B0327BB:vzdump:100:backup@pve!client:',
    jobStartedAt,
    exitStatus: statusOf[choice.ending],
    ending: choice.ending,
    warnings: choice.remarks ? ['a hook failed'] : [],
    errors: [],
    ...(choice.guestFailure ? { guestFailure: 'the disk is broken' } : {}),
    guestFinished: choice.guestFinished,
    logComplete: choice.logComplete,
    ...(choice.archiveNamed ? { archiveName } : {}),
    ...(choice.listed === 'absent' ? {} : { listed }),
    ...(choice.listed === 'absent' || choice.secondLook === 'absent' ? {} : { listedAgainSizeBytes: again }),
  }
}

const artifact = { artifactRef: `nas:backup/${archiveName}`, fileName: archiveName, sizeBytes: 1_000_000, location }
const source: SourceIdentity = { sizeBytes: 1_000_000, modifiedAt: '2026-11-22T02:10:00.000Z', validator: '"a"' }

/** The file that the route shows, before and while it is read. */
function* routes(): Generator<Row> {
  const sizes = { 'as listed': 1_000_000, 'rounded up to 512': 1_000_448, smaller: 999_999, larger: 1_065_536 } as const
  for (const evidence of combinations({ size: ['as listed', 'rounded up to 512', 'smaller', 'larger'] })) {
    const { name, good, reason } = judgeSource(artifact, { ...source, sizeBytes: sizes[evidence.size] })
    yield { stage: 'source', evidence, verdict: name, good, reason }
  }
  for (const evidence of combinations({
    size: ['same', 'other'],
    modificationTime: ['same', 'other'],
    mark: ['same', 'other', 'absent'],
  })) {
    const { validator, ...unmarked } = source
    const mark = evidence.mark === 'absent' ? {} : { validator: evidence.mark === 'same' ? (validator ?? '') : '"b"' }
    const { name, good, reason } = judgeUnchanged(artifact, source, {
      ...unmarked,
      ...mark,
      ...(evidence.size === 'same' ? {} : { sizeBytes: 1_065_536 }),
      ...(evidence.modificationTime === 'same' ? {} : { modifiedAt: '2026-11-22T02:11:00.000Z' }),
    })
    yield { stage: 'reading', evidence, verdict: name, good, reason }
  }
}

const crc32 = 0x1234_5678

/** What S3 holds, against what was read. */
function* objects(): Generator<Row> {
  for (const evidence of combinations({
    stored: [true, false],
    object: ['there', 'absent'],
    objectSize: ['as the source', 'other'],
    noted: ['as the source', 'other'],
    checksum: ['of the bytes read', 'other', 'absent'],
  })) {
    const { stored, object, objectSize, noted, checksum } = evidence
    if (
      (!stored || object === 'absent') &&
      objectSize + noted + checksum !== 'as the sourceas the sourceof the bytes read'
    )
      continue
    const claimed = { sizeBytes: noted === 'other' ? 999 : 1_000_000, checksum: `CRC32:${crc32ToBase64(crc32)}` }
    const { name, good, reason } = judgeObject(
      artifact,
      stored ? claimed : undefined,
      object === 'absent'
        ? undefined
        : {
            sizeBytes: objectSize === 'other' ? 999_999 : 1_000_000,
            etag: 'e',
            ...(checksum === 'absent' ? {} : { crc32: checksum === 'other' ? 1 : crc32 }),
          },
      `s3://archive/${archiveName}`,
    )
    yield { stage: 'object', evidence, verdict: name, good, reason }
  }
}

/** The whole table, in a stable order: the stages as they follow each other, and the best evidence first. */
export function* allVerdicts(): Generator<Row> {
  yield* endings()
  yield* backups()
  yield* several()
  yield* made()
  yield* routes()
  yield* objects()
}
