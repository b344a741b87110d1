/** What an index says of a member, and reading members by what an index says of them. */
import { crc32 } from 'node:zlib'
import type { IndexedMember } from '../../contracts/content-index.ts'
import { crc32ToBase64 } from '../../domain/transfer/crc32.ts'
import type { ContentCursor } from '../content-cursor.ts'
import { Damage, Findings } from '../damage.ts'
import { memberPath } from './file-patterns.ts'
import { type TarVisitor, walkMember } from './tar.ts'
import type { TarMember } from './tar-member.ts'

/** Reads the content of each member, and tells what an index says of it. */
export function memberIndexer(onMember: (member: IndexedMember) => void): TarVisitor {
  return {
    async visit(member, content) {
      let sum = 0
      for await (const chunk of content) sum = crc32(chunk, sum)
      onMember(indexed(member, sum))
    },
  }
}

function indexed(member: TarMember, sum: number): IndexedMember {
  const { name, type, headAt, contentAt, sizeBytes, storedBytes, mode, ownerId, groupId, modifiedAt, linkName } = member
  return {
    path: memberPath(name),
    type,
    headAt,
    contentAt,
    sizeBytes,
    ...(storedBytes === sizeBytes ? {} : { storedBytes }),
    mode,
    ownerId,
    groupId,
    modifiedAt,
    ...(linkName === '' ? {} : { linkName }),
    ...(storedBytes === 0 ? {} : { crc32: crc32ToBase64(sum) }),
  }
}

/** What stands at a member's place in the archive isn't what the index says of it. Nothing that was read by it counts. */
export class IndexMisleads extends Error {}

/**
 * Shows members to a visitor, each from its place on. What lies between them is passed over. Each is held against its own
 * headers before the visitor sees it, and against its CRC-32 afterwards.
 * @param members ascending by place
 * @throws IndexMisleads
 */
export async function visitIndexed(
  content: ContentCursor,
  members: readonly IndexedMember[],
  visitor: TarVisitor,
): Promise<void> {
  for (const expected of members) {
    const between = expected.headAt - content.offset
    if (between < 0) throw new IndexMisleads(`what it says of ${expected.path} overlaps what it says of another`)
    await content.skip(between)
    await visitOne(content, expected, visitor)
  }
}

async function visitOne(content: ContentCursor, expected: IndexedMember, visitor: TarVisitor): Promise<void> {
  const findings = new Findings()
  const misleads = () => new IndexMisleads(`what lies at its place is not ${JSON.stringify(expected.path)} as it says`)
  const read = { crc32: 0, bytes: 0 }
  const checked: TarVisitor = {
    async visit(member, chunks) {
      if (!isSame(expected, indexed(member, 0))) throw misleads()
      async function* summed(): AsyncGenerator<Buffer> {
        for await (const chunk of chunks) {
          read.crc32 = crc32(chunk, read.crc32)
          read.bytes += chunk.length
          yield chunk
        }
      }
      const content = summed()
      await visitor.visit(member, content)
      for await (const _rest of content) {
        // A visitor that keeps nothing of a member leaves its sum to this.
      }
    },
  }
  let found: boolean
  try {
    found = await walkMember(content, findings, { members: 0, memberBytes: 0 }, checked)
  } catch (error) {
    if (error instanceof Damage) throw new IndexMisleads(error.message.replace(/\.$/, ''), { cause: error })
    throw error
  }
  if (!found || findings.list.length > 0) throw misleads()
  // A visitor that stopped within a content has no use for its sum.
  const whole = read.bytes > 0 && read.bytes === (expected.storedBytes ?? expected.sizeBytes)
  if (whole && crc32ToBase64(read.crc32) !== expected.crc32) {
    throw new IndexMisleads(`the content of ${JSON.stringify(expected.path)} has another CRC-32 than it says`)
  }
}

/** But for the sum, which only reading tells. */
function isSame({ crc32: _its, ...expected }: IndexedMember, { crc32: _other, ...found }: IndexedMember): boolean {
  const fields = Object.keys({ ...expected, ...found }) as (keyof typeof expected)[]
  return fields.every((field) => expected[field] === found[field])
}
