/** Writing a snapshot: begin, put blocks, complete with the sum of all sums. */
import { createHash } from 'node:crypto'
import * as z from 'zod'
import { giveUpWriting } from '../actions/snapshots-named.ts'
import { BLOCK_BYTES, blocksOf, Disk } from '../disk.ts'
import { invalid, notFound, Refusal } from '../errors.ts'
import { keyArn, keyOf } from '../keys.ts'
import { wished } from '../rights.ts'
import type { LabSnapshot, Tags, Writing } from '../world.ts'
import { type DirectAnswer, type DirectCall, type Operation, readable, snapshotFor } from './call.ts'

const startSchema = z.strictObject({
  VolumeSize: z.int().min(1).max(16_384),
  ParentSnapshotId: z.string().optional(),
  Tags: z
    .array(z.strictObject({ Key: z.string().min(1).max(127), Value: z.string().max(255) }))
    .max(50)
    .optional(),
  Description: z.string().max(255).optional(),
  ClientToken: z.string().max(255).optional(),
  Encrypted: z.boolean().optional(),
  KmsKeyArn: z.string().optional(),
  Timeout: z.int().min(10).max(4320).optional(),
})

type Start = z.infer<typeof startSchema>

function asked(body: Uint8Array): Start {
  let given: unknown
  try {
    given = JSON.parse(Buffer.from(body).toString('utf8'))
  } catch {
    throw invalid('INVALID_PARAMETER_VALUE', 'The body is no JSON.')
  }
  const parsed = startSchema.safeParse(given)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const reason = issue?.path[0] === 'VolumeSize' ? 'INVALID_VOLUME_SIZE' : 'INVALID_PARAMETER_VALUE'
  throw invalid(reason, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

function begun(snapshot: LabSnapshot): DirectAnswer {
  return {
    status: 201,
    json: {
      SnapshotId: snapshot.id,
      OwnerId: snapshot.ownerId,
      Status: snapshot.state,
      StartTime: snapshot.startedAt.getTime() / 1000,
      VolumeSize: snapshot.sizeGiB,
      BlockSize: BLOCK_BYTES,
      Description: snapshot.description,
      Tags: [...snapshot.tags].map(([Key, Value]) => ({ Key, Value })),
      ...(snapshot.parentId === undefined ? {} : { ParentSnapshotId: snapshot.parentId }),
      ...(snapshot.kmsKeyId === undefined ? {} : { KmsKeyArn: snapshot.kmsKeyId, SseType: 'sse-kms' }),
    },
  }
}

/** The rights to begin: on the snapshot to be, its parent and its key. */
function needToStart(call: DirectCall, tags: Tags, key: string | undefined): void {
  const { region, rights } = call
  const resource = `arn:aws:ec2:${region.name}::snapshot/*`
  rights.need('ebs:StartSnapshot', resource, wished(tags))
  if (tags.size > 0) rights.need('ec2:CreateTags', resource, { ...wished(tags), 'ec2:CreateAction': ['StartSnapshot'] })
  if (key === undefined) return
  rights.need('kms:DescribeKey', key)
  rights.need('kms:GenerateDataKeyWithoutPlaintext', key)
  rights.need('kms:CreateGrant', key)
}

/** Encryption of what is begun. A child is encrypted as its parent is, and nobody may say otherwise. */
function keyFor(
  call: DirectCall,
  given: Start,
  parent: LabSnapshot | undefined,
): Pick<LabSnapshot, 'encrypted' | 'kmsKeyId'> {
  const { Encrypted, KmsKeyArn } = given
  if (parent !== undefined && Encrypted !== undefined)
    throw invalid('INVALID_PARAMETER_VALUE', 'Encrypted cannot be given together with ParentSnapshotId.')
  if (KmsKeyArn !== undefined && Encrypted !== true)
    throw invalid('INVALID_PARAMETER_VALUE', 'KmsKeyArn needs Encrypted to be true.')
  if (KmsKeyArn !== undefined && (!KmsKeyArn.startsWith('arn:') || keyArn(call, KmsKeyArn) === undefined))
    throw invalid('INVALID_CUSTOMER_KEY', `The key '${KmsKeyArn}' is no ARN of a key in this Region.`)
  return keyOf(call, parent, Encrypted, KmsKeyArn)
}

export const startSnapshot: Operation = (call): DirectAnswer => {
  const { world, region } = call
  const given = asked(call.body)
  const parent = given.ParentSnapshotId === undefined ? undefined : readable(call, given.ParentSnapshotId)
  if (parent !== undefined && parent.sizeGiB > given.VolumeSize)
    throw invalid('INVALID_VOLUME_SIZE', 'The volume is smaller than that of the parent.')
  const tags: Tags = new Map((given.Tags ?? []).map(({ Key, Value }) => [Key, Value]))
  const key = keyFor(call, given, parent)
  needToStart(call, tags, key.kmsKeyId)
  const said = JSON.stringify(given)
  const before = [...region.snapshots.values()].find(
    ({ writing }) => given.ClientToken !== undefined && writing?.clientToken === given.ClientToken,
  )
  if (before !== undefined) {
    if (before.writing?.asked === said) return begun(before)
    throw new Refusal(409, 'ConflictException', 'The client token was used before with other parameters.')
  }
  const pending = [...region.snapshots.values()].filter(({ state }) => state === 'pending')
  if (pending.length >= world.settings.pendingSnapshots)
    throw new Refusal(400, 'ConcurrentLimitExceededException', 'You have reached the limit of pending snapshots.')
  const now = world.now()
  const snapshot: LabSnapshot = {
    id: world.newId('snap'),
    // What EC2 shows for a snapshot that no volume was the source of.
    volumeId: 'vol-ffffffff',
    ownerId: world.account,
    description: given.Description ?? '',
    sizeGiB: given.VolumeSize,
    state: 'pending',
    asksLeft: world.settings.snapshotAsks,
    asksAtFirst: world.settings.snapshotAsks,
    hiddenFor: world.settings.hideNewSnapshots,
    startedAt: now,
    storageTier: 'standard',
    tags,
    disk: parent === undefined ? new Disk(given.VolumeSize) : parent.disk.copy(given.VolumeSize),
    ...key,
    ...(parent === undefined ? {} : { parentId: parent.id }),
    writing: {
      ...(given.ClientToken === undefined ? {} : { clientToken: given.ClientToken }),
      asked: said,
      timeoutMinutes: given.Timeout ?? 60,
      lastPutAt: now,
      sums: new Map(),
      earlyPuts: world.settings.earlyPuts,
    },
  }
  region.snapshots.set(snapshot.id, snapshot)
  return begun(snapshot)
}

function underWay(call: DirectCall): { snapshot: LabSnapshot; writing: Writing } {
  const snapshot = snapshotFor(call)
  giveUpWriting(snapshot, call.world.now())
  const { writing } = snapshot
  if (writing === undefined)
    throw invalid('INVALID_SNAPSHOT_ID', `The snapshot '${snapshot.id}' was not started by EBS direct.`)
  if (snapshot.state !== 'pending' || writing.completed === true)
    throw invalid(
      'INVALID_SNAPSHOT_ID',
      `The snapshot '${snapshot.id}' is not in the 'pending' state (it is ${snapshot.state}).`,
    )
  return { snapshot, writing }
}

function checkedSum({ headers, body }: DirectCall): Buffer {
  const sum = createHash('sha256').update(body).digest()
  if (headers['x-amz-checksum-algorithm'] !== 'SHA256')
    throw invalid('INVALID_PARAMETER_VALUE', 'x-amz-Checksum-Algorithm is not SHA256.')
  if (headers['x-amz-data-length'] !== String(BLOCK_BYTES) || body.length !== BLOCK_BYTES)
    throw invalid('INVALID_BLOCK', `A block has ${BLOCK_BYTES} bytes; this one has ${body.length}.`)
  if (headers['x-amz-checksum'] !== sum.toString('base64'))
    throw invalid('INVALID_BLOCK', 'The checksum of the block is another than x-amz-Checksum says.')
  return sum
}

export const putSnapshotBlock: Operation = (call): DirectAnswer => {
  const { snapshot, writing } = underWay(call)
  if (writing.earlyPuts > 0) {
    writing.earlyPuts -= 1
    throw notFound('SNAPSHOT_NOT_FOUND', `The snapshot '${snapshot.id}' does not exist.`)
  }
  if (call.blockIndex >= blocksOf(snapshot.sizeGiB))
    throw invalid('INVALID_BLOCK', `A volume of ${snapshot.sizeGiB} GiB has no block ${call.blockIndex}.`)
  const progress = call.headers['x-amz-progress']
  if (progress !== undefined && !/^(?:\d{1,2}|100)$/.test(String(progress)))
    throw invalid('INVALID_PARAMETER_VALUE', 'x-amz-Progress is not within 0 to 100.')
  const sum = checkedSum(call)
  snapshot.disk.write(call.blockIndex, new Uint8Array(call.body))
  writing.sums.set(call.blockIndex, sum)
  writing.lastPutAt = call.world.now()
  return {
    status: 201,
    headers: { 'x-amz-Checksum': sum.toString('base64'), 'x-amz-Checksum-Algorithm': 'SHA256' },
    json: {},
  }
}

/** SHA-256 over the binary sums of the blocks, in the order of their indexes. */
export function linearSum(sums: ReadonlyMap<number, Uint8Array>): string {
  const whole = createHash('sha256')
  for (const [, sum] of [...sums].toSorted(([a], [b]) => a - b)) whole.update(sum)
  return whole.digest('base64')
}

export const completeSnapshot: Operation = (call): DirectAnswer => {
  const { headers, world } = call
  const { snapshot, writing } = underWay(call)
  const count = headers['x-amz-changedblockscount']
  if (count !== String(writing.sums.size))
    throw invalid(
      'INVALID_PARAMETER_VALUE',
      `ChangedBlocksCount is ${String(count)}, and ${writing.sums.size} blocks were put.`,
    )
  const sum = headers['x-amz-checksum']
  if (sum !== undefined) {
    if (headers['x-amz-checksum-algorithm'] !== 'SHA256' || headers['x-amz-checksum-aggregation-method'] !== 'LINEAR')
      throw invalid(
        'INVALID_PARAMETER_VALUE',
        'A checksum needs the algorithm SHA256 and the aggregation method LINEAR.',
      )
    if (sum !== linearSum(writing.sums))
      throw invalid('INVALID_PARAMETER_VALUE', 'The checksum over all blocks is another than x-amz-Checksum says.')
  }
  writing.completed = true
  if (snapshot.asksLeft === 0 && !world.settings.heldSnapshots) {
    snapshot.state = 'completed'
    snapshot.completedAt = world.now()
  }
  return { status: 202, json: { Status: snapshot.state } }
}
