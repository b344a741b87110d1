/** One link of a disk's chain: the base, or what was written since a snapshot. */
import { BLOCK_BYTES, type DiskContent } from '../../ec2/disk.ts'
import { Blocks } from './bytes.ts'

export type LinkForm = 'flat' | 'delta' | 'sesparse' | 'rdm' | 'vsan'

export class Link {
  readonly form: LinkForm
  readonly datastoreId: string
  /** Path of the descriptor within its datastore. */
  descriptor: string
  /** Path of what holds the bytes; on vSAN there is no such file. */
  extent: string | undefined
  readonly blocks: Blocks
  parent: Link | undefined
  /** Changes when the disk is opened for writing. */
  cid: string
  readonly thin: boolean

  constructor(given: {
    form: LinkForm
    datastoreId: string
    descriptor: string
    extent?: string
    sizeBytes: number
    content?: DiskContent
    parent?: Link
    cid: string
    thin?: boolean
  }) {
    this.form = given.form
    this.datastoreId = given.datastoreId
    this.descriptor = given.descriptor
    this.extent = given.extent
    this.blocks = new Blocks(given.sizeBytes, given.content)
    this.parent = given.parent
    this.cid = given.cid
    this.thin = given.thin ?? true
  }

  /** From the base to this one. */
  get chain(): Link[] {
    return [...(this.parent?.chain ?? []), this]
  }

  /** What the disk holds here, through all links. */
  block(index: number): Uint8Array | undefined {
    return this.blocks.block(index) ?? this.parent?.block(index)
  }

  /** The guest writes; what parents hold stays as it is. */
  write(offset: number, bytes: Uint8Array): void {
    if (offset < 0 || offset + bytes.length > this.blocks.sizeBytes)
      throw new Error(`A disk of ${this.blocks.sizeBytes} bytes has no place for ${bytes.length} bytes at ${offset}.`)
    for (let at = offset; at < offset + bytes.length; ) {
      const index = Math.floor(at / BLOCK_BYTES)
      const inside = at % BLOCK_BYTES
      const count = Math.min(BLOCK_BYTES - inside, offset + bytes.length - at)
      const block = Uint8Array.from(this.block(index) ?? new Uint8Array(BLOCK_BYTES))
      block.set(bytes.subarray(at - offset, at - offset + count), inside)
      this.blocks.set(index, block)
      at += count
    }
  }

  /** Take over what a child holds. */
  absorb(child: Link): void {
    for (const index of child.blocks.written) {
      const block = child.blocks.block(index)
      if (block !== undefined) this.blocks.set(index, block)
    }
  }
}
