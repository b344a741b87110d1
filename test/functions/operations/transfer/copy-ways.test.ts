import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { AllocationMap } from '../../../../functions/contracts/disk-archive.ts'
import { takeClaim } from '../../../../functions/operations/books/claims.ts'
import { copyParts } from '../../../../functions/operations/transfer/copy-parts.ts'
import { planUpload } from '../../../../functions/operations/transfer/encodings.ts'
import type { Route } from '../../../../functions/readers/reader.ts'
import { item, itemOf } from '../../../fakes/ports.ts'
import { copyInput, PART_BYTES, type Scene, scene, smallUpload } from './fake-source.ts'

const MIB = 2 ** 20
const BLOCK = 128 * 1024

/** A route whose node sends by itself, and what it was asked to send. */
function pushing({ source, ports, key }: Scene, uploadId: string) {
  const pushed: number[] = []
  const route: Route = {
    check: () => source.check(),
    endOf: (node) => source.endOf(node),
    open: () => source.open(),
    openPusher: async () => ({
      opened: { sizeBytes: source.body.length, modifiedAt: source.modifiedAt },
      stat: async () => ({ sizeBytes: source.body.length, modifiedAt: source.modifiedAt }),
      push: async ({ positionBytes, sizeBytes }) => {
        const body = source.body.subarray(positionBytes, positionBytes + sizeBytes)
        pushed.push(positionBytes)
        await ports.store.putPart(key, uploadId, positionBytes / PART_BYTES + 1, body, crc32(body))
        return { crc32: crc32(body), md5: '', throttles: 0 }
      },
      close: async () => undefined,
    }),
  }
  return { route: async () => route, pushed }
}

/** A disk of a mebibyte of which two blocks were written, and its upload. */
async function diskScene() {
  const on = scene(MIB)
  const map: AllocationMap = { version: 1, sizeBytes: MIB, blockBytes: BLOCK, runs: [[3, 2]] }
  on.source.map = map
  on.artifact.encoding = 'raw-disk'
  const bare = await smallUpload(on)
  const planned = await planUpload(on.key, item.site, on.artifact, bare.source, on.ports)
  return { on, upload: { ...bare, ...planned } }
}

describe('the way of a part', () => {
  it('is from the node to S3 where the node can send by itself', async () => {
    const on = scene(3 * PART_BYTES)
    const upload = await smallUpload(on)
    const { route, pushed } = pushing(on, upload.uploadId)
    const result = await copyParts(copyInput(on, upload), { ...on.ports, route })
    expect(result).toMatchObject({ partsSent: 3, bytesSent: 3 * PART_BYTES })
    expect(pushed).toEqual([0, PART_BYTES, 2 * PART_BYTES])
    expect(on.source.readPositions).toEqual([])
  })

  it('is through here for a disk, whose parts are no bytes of it', async () => {
    const { on, upload } = await diskScene()
    const { route, pushed } = pushing(on, upload.uploadId)
    expect(await copyParts(copyInput(on, upload), { ...on.ports, route })).toMatchObject({ partsSent: 1 })
    expect(pushed).toEqual([])
    expect(on.source.readPositions).toEqual([3 * BLOCK])
  })
})

describe('what copying tells', () => {
  it('is what was read where that isn’t what was sent', async () => {
    const { on, upload } = await diskScene()
    const result = await copyParts(copyInput(on, upload), on.ports)
    expect(result).toMatchObject({ bytesSent: 5 * MIB, bytesRead: 2 * BLOCK })
  })

  it('is what was sent alone where as much was read', async () => {
    const on = scene()
    const result = await copyParts(copyInput(on, await smallUpload(on)), on.ports)
    expect(result).not.toHaveProperty('bytesRead')
  })
})

it('copying leaves everything as it is once another run has the guest', async () => {
  const on = scene()
  const upload = await smallUpload(on)
  await takeClaim({ item: itemOf('run-2'), execution: 'another' }, on.ports)
  await expect(copyParts(copyInput(on, upload), on.ports)).rejects.toMatchObject({ name: 'GuestBusy' })
  expect(on.source.opened).toBe(0)
  expect(await on.ports.store.listParts(on.key, upload.uploadId)).toEqual([])
})
