import type { ResultWriter, Transformation } from '../definition.ts'
import { evaluationFailure, StateFailure } from '../errors.ts'
import type { ExecutionResult } from '../execution-run.ts'
import { isObject, type Json, type JsonObject } from '../json.ts'
import type { Visit } from '../visit.ts'

/** How one child of a distributed Map ended. PENDING: it was never started. */
export interface ChildOutcome {
  readonly arn: string
  readonly name: string
  readonly input: Json
  readonly items: number
  readonly startedAt: string | undefined
  readonly stoppedAt: string | undefined
  readonly result: ExecutionResult | { readonly status: 'PENDING'; readonly error: string; readonly cause: string }
}

export interface MapRun {
  readonly arn: string
  readonly id: string
  readonly stateMachineArn: string
}

/** The Map's result when nothing is written to S3: the children's outputs in order; children that failed appear with their metadata. */
export function resultOf(outcomes: readonly ChildOutcome[], transformation: Transformation, run: MapRun): Json[] {
  return outcomes.flatMap((outcome): Json[] => {
    const { result } = outcome
    if (transformation === 'NONE' || result.status !== 'SUCCEEDED') return [metadata(outcome, run)]
    const output = result.output ?? null
    return transformation === 'FLATTEN' && Array.isArray(output) ? [...output] : [output]
  })
}

/**
 * Writes `<Prefix>/<map run id>/SUCCEEDED_0.json`, `FAILED_0.json` and `PENDING_0.json` (those that aren't empty) and, last, `manifest.json`.
 * Returns what AWS makes the state's result. Throws `States.ResultWriterFailed`.
 */
export async function writeResults(
  writer: ResultWriter,
  place: WriterPlace,
  outcomes: readonly ChildOutcome[],
  run: MapRun,
  visit: Visit,
): Promise<JsonObject> {
  const { clock, store } = visit.run.world
  if (store === undefined) throw writerFailed(`There is no S3 to write to s3://${place.bucket}`)
  const folder = [place.prefix.replace(/\/+$/, ''), run.id].filter((part) => part !== '').join('/')
  const transformation = writer.transformation ?? 'NONE'
  const put = async (key: string, body: string): Promise<{ Key: string; Size: number }> => {
    await clock.during(async () => store.putObject(place.bucket, key, body, 'application/json'), visit.frame.signal)
    return { Key: key, Size: Buffer.byteLength(body) }
  }
  const files: Record<string, Json> = {}
  try {
    for (const [kind, statuses] of Object.entries(KINDS)) {
      const chosen = outcomes.filter((outcome) => statuses.includes(outcome.result.status))
      if (chosen.length === 0) {
        files[kind] = []
        continue
      }
      const isJsonl = writer.outputType === 'JSONL'
      const entries = resultOf(chosen, transformation, run)
      const body = isJsonl ? entries.map((entry) => `${JSON.stringify(entry)}\n`).join('') : JSON.stringify(entries)
      files[kind] = [await put(`${folder}/${kind}_0.${isJsonl ? 'jsonl' : 'json'}`, body)]
    }
    const manifest = { DestinationBucket: place.bucket, MapRunArn: run.arn, ResultFiles: files }
    const { Key } = await put(`${folder}/manifest.json`, JSON.stringify(manifest))
    return { MapRunArn: run.arn, ResultWriterDetails: { Bucket: place.bucket, Key } }
  } catch (error) {
    visit.frame.signal.throwIfAborted()
    if (error instanceof StateFailure) throw error
    const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) }
    throw writerFailed(`s3://${place.bucket}/${folder} can't be written: ${name}: ${message}`)
  }
}

const KINDS = {
  FAILED: ['FAILED', 'TIMED_OUT', 'ABORTED'],
  PENDING: ['PENDING'],
  SUCCEEDED: ['SUCCEEDED'],
} as const satisfies Record<string, readonly string[]> as Record<string, readonly string[]>

export interface WriterPlace {
  readonly bucket: string
  readonly prefix: string
}

export async function writerPlace(writer: ResultWriter, visit: Visit): Promise<WriterPlace | undefined> {
  if (writer.destination === undefined) return undefined
  const args = await visit.evaluate(writer.destination.arguments)
  if (isObject(args)) {
    const { Bucket: bucket, Prefix: prefix = '' } = args
    if (typeof bucket === 'string' && typeof prefix === 'string') return { bucket, prefix }
  }
  throw evaluationFailure('ResultWriter/Arguments must give Bucket (and Prefix) as strings.', 'ResultWriter/Arguments')
}

/** What AWS writes of a child: input and output as JSON text. */
function metadata(outcome: ChildOutcome, run: MapRun): JsonObject {
  const { result } = outcome
  const text: Record<string, Json> = {
    ExecutionArn: outcome.arn,
    Input: JSON.stringify(outcome.input),
    InputDetails: { Included: true },
    Name: outcome.name,
    StateMachineArn: run.stateMachineArn,
    Status: result.status,
  }
  if (outcome.startedAt !== undefined) text['StartDate'] = outcome.startedAt
  if (outcome.stoppedAt !== undefined) text['StopDate'] = outcome.stoppedAt
  if (result.status === 'SUCCEEDED') {
    text['Output'] = JSON.stringify(result.output ?? null)
    text['OutputDetails'] = { Included: true }
  }
  if ('error' in result && result.error !== undefined) text['Error'] = result.error
  if ('cause' in result && result.cause !== undefined) text['Cause'] = result.cause
  text['RedriveCount'] = 0
  text['RedriveStatus'] = result.status === 'SUCCEEDED' ? 'NOT_REDRIVABLE' : 'REDRIVABLE_BY_MAP_RUN'
  return text
}

function writerFailed(cause: string): StateFailure {
  return new StateFailure('States.ResultWriterFailed', cause)
}
