import { crc32 } from 'node:zlib'
import { TargetTaken } from '../../functions/contracts/errors.ts'
import { assertWhole } from '../../functions/writers/whole.ts'
import type { Delivery, FileRange, Range, RangeSource, Target, Writer } from '../../functions/writers/writer.ts'

/** Nodes whose folders are in memory. A file has one name until it is whole, and another from then on. */
export class MemoryDelivery implements Delivery {
  /** Each as its pieces by their positions: what a test brings stays where it is, however large. */
  readonly files = new Map<string, Map<number, Buffer>>()
  /** Ranges in the order in which they were brought. */
  readonly brought: number[] = []
  /** What happens to the next files that are opened, brought to or removed. */
  fails: { open?: Error; bring?: Error; remove?: Error } = {}
  freeBytes: number | undefined

  async open(target: Target): Promise<Writer> {
    if (this.fails.open !== undefined) throw this.fails.open
    const [temporary, final] = namesOf(target)
    const found = this.files.get(temporary)
    const bring = async (range: Range, source: RangeSource) => {
      if (this.fails.bring !== undefined) throw this.fails.bring
      const bytes = await source.read(range)
      const file = this.files.get(temporary) ?? new Map<number, Buffer>()
      this.files.set(temporary, file.set(range.positionBytes, bytes))
      this.brought.push(range.positionBytes)
      return { throttles: 0, crc32: crc32(bytes) }
    }
    return {
      found: found === undefined ? undefined : { sizeBytes: sizeOf(found) },
      bring,
      holds: async ({ positionBytes, sizeBytes, crc32: sum }: FileRange) => {
        const held = this.files.get(temporary)?.get(positionBytes)
        return held?.length === sizeBytes && crc32(held) === sum
      },
      finish: async (whole, ranges) => {
        assertWhole(final, { sizeBytes: target.sizeBytes, crc32: whole.crc32 }, ranges)
        if (this.files.has(final)) throw new TargetTaken(`${final} is there already`)
        this.files.set(final, this.files.get(temporary) ?? new Map())
        this.files.delete(temporary)
        return { made: true }
      },
      discard: async () => void this.files.delete(temporary),
      close: async () => undefined,
    }
  }

  async remove(target: Target): Promise<void> {
    if (this.fails.remove !== undefined) throw this.fails.remove
    for (const name of namesOf(target)) this.files.delete(name)
  }

  async check() {
    return this.freeBytes === undefined ? {} : { freeBytes: this.freeBytes }
  }

  endOf(node: string): string {
    return node
  }
}

/** The sum over a file's pieces, one after the other. */
export function sumOf(pieces: ReadonlyMap<number, Buffer>): number {
  const inOrder = [...pieces].toSorted(([one], [other]) => one - other)
  return inOrder.reduce((sum, [, bytes]) => crc32(bytes, sum), 0)
}

function sizeOf(pieces: ReadonlyMap<number, Buffer>): number {
  return Math.max(0, ...[...pieces].map(([position, bytes]) => position + bytes.length))
}

function namesOf({ node, folder, name, token }: Target): [string, string] {
  return [`${node}:${folder}/${token}.partial`, `${node}:${folder}/${name}`]
}
