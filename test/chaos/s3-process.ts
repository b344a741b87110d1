/** The embedded S3 as a process of its own: its parent kills it, tells it what to refuse, and hears of each request. */
import { appendFileSync } from 'node:fs'
import type { Fault } from '../../local/s3/faults.ts'
import { startS3 } from '../../local/s3/server.ts'

export interface S3Start {
  directory: string
  port: number
  accessKeyId: string
  secretAccessKey: string
  bucket: string
  /** Gets a line of JSON for each part that was taken, before its answer leaves. */
  partsFile: string
}

/** What it does until it is told otherwise. */
export interface S3Mood {
  refuse?: 'SlowDown' | 'InternalError' | undefined
  throttle?: boolean
  refuseRunner?: boolean
  /** So many answers are lost from here on. */
  loseAnswers?: number
  clockSeconds?: number
}

let mood: S3Mood = {}
let requests = 0
let toLose = 0

/** What the runner itself reads; its functions read them too, and bear it. */
const OF_THE_RUNNER = /\/(plan|report)\.json$/

function faultOf(operation: string, key: string | undefined): Fault | undefined {
  requests += 1
  process.send?.({ requests })
  if (mood.refuse !== undefined) return { code: mood.refuse }
  if (mood.throttle === true && requests % 3 === 0) return { code: 'SlowDown' }
  if (mood.refuseRunner === true && operation === 'GetObject' && OF_THE_RUNNER.test(key ?? '')) {
    return { code: 'AccessDenied' }
  }
  if (toLose > 0) {
    toLose -= 1
    return 'lose-answer'
  }
  return undefined
}

process.on('message', (message: { start?: S3Start; mood?: S3Mood }) => {
  if (message.mood !== undefined) {
    mood = message.mood
    toLose = mood.loseAnswers ?? 0
    process.send?.({ mood: true })
  }
  if (message.start !== undefined) void start(message.start)
})
process.on('disconnect', () => process.exit(0))

async function start({ directory, port, accessKeyId, secretAccessKey, bucket, partsFile }: S3Start): Promise<void> {
  const server = await startS3({
    directory,
    port,
    accessKeyId,
    secretAccessKey,
    buckets: [bucket],
    now: () => new Date(Date.now() + (mood.clockSeconds ?? 0) * 1000),
    faults: ({ operation, key }) => faultOf(operation, key),
    onDone: ({ operation, key, partNumber, sizeBytes }) => {
      if (operation === 'UploadPart') appendFileSync(partsFile, `${JSON.stringify({ key, partNumber, sizeBytes })}\n`)
    },
  })
  process.send?.({ port: server.port })
}
