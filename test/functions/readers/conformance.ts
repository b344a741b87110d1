import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { SiteFileLocation } from '../../../functions/contracts/nouns.ts'
import type { Reader, Route } from '../../../functions/readers/reader.ts'

export interface RouteUnderTest {
  route: Route
  /** Put a file where the route finds it under the location that is returned. Time in whole seconds. */
  put(name: string, body: Buffer, modifiedAtSeconds: number): Promise<SiteFileLocation>
  close(): Promise<void>
}

const MIB = 2 ** 20
const TIME = 1_795_000_000

/** What every route and its readers do. */
export function routeConformance(name: string, open: () => Promise<RouteUnderTest>, skip = false): void {
  describe.skipIf(skip)(`${name} conforms to Route and Reader`, () => {
    let tested: RouteUnderTest
    const body = randomBytes(9 * MIB + 12_345)

    beforeAll(async () => {
      tested = await open()
    })
    afterAll(() => tested.close())

    async function withReader<T>(fileBody: Buffer, use: (reader: Reader) => Promise<T>): Promise<T> {
      const reader = await tested.route.open(await tested.put('archive.vma.zst', fileBody, TIME))
      try {
        return await use(reader)
      } finally {
        await reader.close()
      }
    }

    it('checks the way to a node without reading', async () => {
      await expect(tested.route.check('pve1')).resolves.toBeUndefined()
    })

    it('tells size and time', async () => {
      await withReader(body, async (reader) => {
        expect(await reader.stat()).toMatchObject({
          sizeBytes: body.length,
          modifiedAt: new Date(TIME * 1000).toISOString(),
        })
      })
    })

    it('reads the whole file', async () => {
      await withReader(body, async (reader) => {
        const target = Buffer.alloc(body.length)
        expect(await reader.read(0, target)).toBe(crc32(body))
        expect(target.equals(body)).toBe(true)
      })
    })

    it('reads any ranges at the same time, each into its own buffer and nothing beyond', async () => {
      await withReader(body, async (reader) => {
        const ranges = [
          [0, 1],
          [body.length - 1, 1],
          [261_119, 3],
          [1_000_003, 4 * MIB],
          [5, 700_000],
          [3 * MIB, body.length - 3 * MIB],
        ] as const
        await Promise.all(
          ranges.map(async ([position, sizeBytes]) => {
            const around = Buffer.alloc(sizeBytes + 2, 0xaa)
            const sum = await reader.read(position, around.subarray(1, sizeBytes + 1))
            expect(sum).toBe(crc32(body.subarray(position, position + sizeBytes)))
            expect(around[0]).toBe(0xaa)
            expect(around[sizeBytes + 1]).toBe(0xaa)
            expect(around.subarray(1, sizeBytes + 1).equals(body.subarray(position, position + sizeBytes))).toBe(true)
          }),
        )
      })
    })

    it('reads nothing into an empty buffer', async () => {
      await withReader(Buffer.alloc(0), async (reader) => {
        expect((await reader.stat()).sizeBytes).toBe(0)
        expect(await reader.read(0, Buffer.alloc(0))).toBe(0)
      })
    })

    it('says ShortRead when the file ends before the buffer is full', async () => {
      await withReader(body, async (reader) => {
        const short = { name: 'ShortRead', message: expect.stringContaining('archive.vma.zst') }
        await expect(reader.read(body.length - 10, Buffer.alloc(11))).rejects.toMatchObject(short)
        await expect(reader.read(body.length, Buffer.alloc(1))).rejects.toMatchObject(short)
        const target = Buffer.alloc(10)
        await reader.read(body.length - 10, target)
        expect(target.equals(body.subarray(-10))).toBe(true)
      })
    })

    it('notices a file that is replaced while it is open', async () => {
      await withReader(body, async (reader) => {
        await tested.put('archive.vma.zst', body.subarray(1), TIME + 7)
        expect(await reader.stat()).toMatchObject({
          sizeBytes: body.length - 1,
          modifiedAt: new Date((TIME + 7) * 1000).toISOString(),
        })
      })
    })

    it('stops when told to, leaves the buffer alone from then on, and goes on with others', async () => {
      await withReader(body, async (reader) => {
        const abort = new AbortController()
        const target = Buffer.alloc(body.length)
        const reading = reader.read(0, target, abort.signal)
        abort.abort(new Error('stopped by the test'))
        await expect(reading).rejects.toThrow('stopped by the test')
        target.fill(0)
        const other = Buffer.alloc(MIB)
        expect(await reader.read(4 * MIB, other)).toBe(crc32(body.subarray(4 * MIB, 5 * MIB)))
        expect(other.equals(body.subarray(4 * MIB, 5 * MIB))).toBe(true)
        expect(target.equals(Buffer.alloc(target.length))).toBe(true)
        await expect(reader.read(0, target, abort.signal)).rejects.toThrow('stopped by the test')
      })
    })

    it('says SourceUnreadable for a file that is not there', async () => {
      const location = await tested.put('archive.vma.zst', body, TIME)
      const path = `${location.path}.gone`
      await expect(tested.route.open({ ...location, path })).rejects.toMatchObject({
        name: 'SourceUnreadable',
        group: 'fail-guest',
        message: expect.stringContaining(path),
      })
    })

    it('fails reads of a closed reader', async () => {
      const reader = await tested.route.open(await tested.put('archive.vma.zst', body, TIME))
      await reader.close()
      await expect(reader.read(0, Buffer.alloc(1))).rejects.toMatchObject({ name: 'ConnectionDropped' })
    })
  })
}
