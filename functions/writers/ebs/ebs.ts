import { hash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Answer } from '../../aws-api/aws-call.ts'
import { type EbsCall, EbsCalls, type EbsDeps } from '../../aws-api/ebs-calls.ts'
import { AwsRefusal } from '../../aws-api/query.ts'
import { EBS_BLOCK_BYTES, type EbsAccess, type NewEbsSnapshot } from '../../contracts/aws-access.ts'
import { InternalFault, TargetUnwritable } from '../../contracts/errors.ts'
import { parseJson } from '../../domain/words/parse-json.ts'
import type { BegunDisk, BlockSums, DiskToFill, DiskWriter } from '../disk-writer.ts'
import { begunSchema, pageSchema } from './ebs-answers.ts'
import { isMissing, isNotOpen, writeFact } from './ebs-facts.ts'

/** EBS's most between two puts: a restore may wait for its turn (API reference, StartSnapshot, `Timeout`). */
const TIMEOUT_MINUTES = 4320
const PAGE_BLOCKS = 10_000
const MOST_PAGES = 200_000

const realDeps: EbsDeps = {
  now: () => new Date(),
  sleep: (milliseconds, signal) => delay(milliseconds, undefined, signal === undefined ? {} : { signal }),
  random: Math.random,
}

/** Snapshots of EBS, which volumes and images are made of: begun, put and completed by EBS direct. */
export function openEbsWriter(site: string, access: EbsAccess, deps: EbsDeps = realDeps): DiskWriter {
  const client = new EbsCalls(site, access, deps)
  const whereOf = ({ target, fileName, ref }: DiskToFill) =>
    `Site ${site}, region ${snapshotIn(target).region}: ${ref === undefined ? 'the snapshot' : `snapshot ${ref}`} for ${fileName}`

  /** A snapshot that was begun just now may not be known everywhere yet. */
  async function ask(call: EbsCall, signal?: AbortSignal): Promise<Answer> {
    try {
      return await client.ask(call, signal, isMissing)
    } catch (error) {
      throw factOf(error, call)
    }
  }

  async function begin(disk: DiskToFill): Promise<string> {
    const { target, token, fileName } = disk
    const { region, sizeGib, encrypted, kmsKeyArn, tags } = snapshotIn(target)
    const body = JSON.stringify({
      VolumeSize: sizeGib,
      ClientToken: `${token}-${fileName}`,
      Timeout: TIMEOUT_MINUTES,
      Description: `Restored by Guestlift: ${fileName}`.slice(0, 255),
      ...(encrypted ? { Encrypted: true } : {}),
      ...(kmsKeyArn === undefined ? {} : { KmsKeyArn: kmsKeyArn }),
      Tags: tags.map(({ key, value }) => ({ Key: key, Value: value })),
    })
    const where = whereOf(disk)
    const headers = { 'content-type': 'application/json' }
    const action = 'StartSnapshot'
    const answer = await ask({ region, method: 'POST', path: '/snapshots', headers, body, action, where })
    const begun = begunSchema.safeParse(jsonOf(answer))
    if (begun.success && begun.data.BlockSize === EBS_BLOCK_BYTES) return begun.data.SnapshotId
    throw notAsDocumented(where, action)
  }

  async function put(disk: BegunDisk, index: number, block: Buffer, signal?: AbortSignal): Promise<Buffer> {
    const sum = hash('sha256', block, 'buffer')
    const headers = {
      'content-type': 'application/octet-stream',
      // The signature covers it, so the body isn't summed a second time for that.
      'x-amz-content-sha256': sum.toString('hex'),
      'x-amz-data-length': String(block.length),
      'x-amz-checksum': sum.toString('base64'),
      'x-amz-checksum-algorithm': 'SHA256',
    }
    const { region } = snapshotIn(disk.target)
    const path = `/snapshots/${disk.ref}/blocks/${index}`
    const where = `${whereOf(disk)}, block ${index}`
    await ask({ region, method: 'PUT', path, headers, body: block, action: 'PutSnapshotBlock', where }, signal)
    return sum
  }

  async function seal(disk: BegunDisk, { count, sha256 }: BlockSums): Promise<void> {
    const call: EbsCall = {
      region: snapshotIn(disk.target).region,
      method: 'POST',
      path: `/snapshots/completion/${disk.ref}`,
      headers: {
        'x-amz-changedblockscount': String(count),
        'x-amz-checksum': sha256.toString('base64'),
        'x-amz-checksum-algorithm': 'SHA256',
        'x-amz-checksum-aggregation-method': 'LINEAR',
      },
      action: 'CompleteSnapshot',
      where: whereOf(disk),
    }
    try {
      await client.ask(call, undefined, isMissing)
    } catch (error) {
      // An answer may have been lost: what became of the snapshot, its state says.
      if (error instanceof AwsRefusal && isNotOpen(error)) return
      throw factOf(error, call)
    }
  }

  async function* blocksOf(disk: BegunDisk): AsyncGenerator<number> {
    const where = whereOf(disk)
    const { region } = snapshotIn(disk.target)
    const action = 'ListSnapshotBlocks'
    let last = -1
    let token: string | undefined
    for (let pages = 0; pages < MOST_PAGES; pages += 1) {
      const query = new URLSearchParams({ maxResults: String(PAGE_BLOCKS) })
      if (token !== undefined) query.set('pageToken', token)
      const path = `/snapshots/${disk.ref}/blocks?${query.toString()}`
      const page = pageSchema.safeParse(jsonOf(await ask({ region, method: 'GET', path, action, where })))
      if (!page.success) throw notAsDocumented(where, action)
      for (const { BlockIndex } of page.data.Blocks) {
        if (BlockIndex <= last) throw notAsDocumented(where, action)
        last = BlockIndex
        yield BlockIndex
      }
      token = page.data.NextToken ?? undefined
      if (token === undefined || token === '') return
    }
    throw notAsDocumented(where, action)
  }

  return { blockBytes: EBS_BLOCK_BYTES, begin, put, seal, blocksOf, close: async () => client.close() }
}

function notAsDocumented(where: string, action: string): TargetUnwritable {
  return new TargetUnwritable(
    `${where}: the answer to ebs:${action} isn't as EBS direct documents it. Check \`endpoints\`, and what is between here and AWS.`,
  )
}

function factOf(error: unknown, { where, action }: EbsCall): unknown {
  return error instanceof AwsRefusal ? writeFact(error, where, action) : error
}

function jsonOf({ body }: Answer): unknown {
  return parseJson(body.toString('utf8'))
}

function snapshotIn(target: DiskToFill['target']): NewEbsSnapshot {
  if (target.type === 'ebs-snapshot') return target
  throw new InternalFault('A disk that is to become no snapshot was given to EBS direct.')
}
