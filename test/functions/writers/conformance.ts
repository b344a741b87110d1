import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Delivery, FileRange, Range, RangeSource, Target, Writer } from '../../../functions/writers/writer.ts'
import { killSessions, stopSessions } from './sessions.ts'
import type { SpoilingServer } from './spoiling-server.ts'
import type { OpenSshServer } from '../ssh/openssh-server.ts'

export interface DeliveryUnderTest {
  ssh: OpenSshServer
  /** A server whose root has no right to pass over the modes of files. */
  unprivileged: OpenSshServer
  /** A server that sees a disk of 8 MiB in its folder `small`; `undefined` where none can be made. */
  small: OpenSshServer | undefined
  /** A server on whose way to the disk bytes change when it is asked for; `undefined` where none can be made. */
  spoiling: SpoilingServer | undefined
  deliveryTo(server: OpenSshServer, settings?: { idleMilliseconds?: number; speakSeconds?: number }): Delivery
  /** Where these bytes come from. */
  sourceOf(body: Buffer): Promise<RangeSource>
  close(): Promise<void>
}

const MIB = 2 ** 20
const NAME = 'vzdump-qemu-100-2026_11_22-02_00_07.vma.zst'
const TOKEN = 'a1b2c3d4e5f6'
const PARTIAL = `guestlift-restore-${TOKEN}-${NAME}.partial`

export function rangesOf(body: Buffer, rangeBytes = MIB): FileRange[] {
  const count = Math.max(1, Math.ceil(body.length / rangeBytes))
  return Array.from({ length: count }, (_, index) => {
    const bytes = body.subarray(index * rangeBytes, (index + 1) * rangeBytes)
    return { positionBytes: index * rangeBytes, sizeBytes: bytes.length, crc32: crc32(bytes) }
  })
}

/** What every delivery and its writers do. @param overTheLine whether reading back brings every byte over the line */
export function deliveryConformance(
  name: string,
  open: () => Promise<DeliveryUnderTest>,
  { skip, overTheLine }: { skip: boolean; overTheLine: boolean },
): void {
  describe.skipIf(skip)(`${name} conforms to Delivery and Writer`, () => {
    const body = randomBytes(3 * MIB + 12_345)
    const ranges = rangesOf(body)
    const whole = { crc32: crc32(body) }
    let tested: DeliveryUnderTest
    let folder: string
    let source: RangeSource
    let number = 0
    const writers: Writer[] = []

    beforeAll(async () => {
      tested = await open()
      source = await tested.sourceOf(body)
    })
    afterAll(() => tested.close())
    beforeEach(() => {
      folder = join(tested.ssh.folder, `dump ü ${number++}`)
      mkdirSync(folder)
    })
    afterEach(async () => {
      for (const writer of writers.splice(0)) await writer.close()
    })

    const target = (changes: Partial<Target> = {}): Target => {
      return { node: 'pve1', folder, name: NAME, token: TOKEN, sizeBytes: body.length, ...changes }
    }
    async function writerFor(changes: Partial<Target> = {}, delivery = tested.deliveryTo(tested.ssh)): Promise<Writer> {
      const writer = await delivery.open(target(changes))
      writers.push(writer)
      return writer
    }
    const bringAll = (writer: Writer): Promise<unknown> =>
      Promise.all(ranges.map((range) => writer.bring(range, source)))
    const at = (index: number): FileRange => ranges[index] ?? { positionBytes: 0, sizeBytes: 0, crc32: 0 }
    const there = (file: string): Buffer => readFileSync(join(folder, file))

    it('brings ranges side by side, in any order, and gives the file its name when it is whole', async () => {
      const writer = await writerFor()
      expect(writer.found).toBeUndefined()
      await Promise.all(ranges.toReversed().map((range) => writer.bring(range, source)))
      expect(readdirSync(folder)).toEqual([PARTIAL])
      expect(await writer.finish(whole, ranges)).toEqual({ made: true })
      expect(readdirSync(folder)).toEqual([NAME])
      expect(there(NAME).equals(body)).toBe(true)
    })

    it('brings an empty file', async () => {
      const writer = await writerFor({ sizeBytes: 0 })
      const empty = { positionBytes: 0, sizeBytes: 0, crc32: 0 }
      await writer.bring(empty, source)
      await writer.finish({ crc32: 0 }, [empty])
      expect(there(NAME)).toHaveLength(0)
    })

    it('goes on from what the target has, and believes only bytes that it read there', async () => {
      const first = await writerFor()
      await first.bring(at(0), source)
      await first.bring(at(2), source)
      await first.close()
      const second = await writerFor()
      expect(second.found).toEqual({ sizeBytes: 3 * MIB })
      expect(await Promise.all(ranges.map((range) => second.holds(range)))).toEqual([true, false, true, false])
      // Right in size and time, wrong in one byte.
      const partial = join(folder, PARTIAL)
      const wrong = readFileSync(partial)
      wrong[5] = (wrong[5] ?? 0) ^ 1
      writeFileSync(partial, wrong)
      expect(await second.holds(at(0))).toBe(false)
      for (const index of [0, 1, 3]) await second.bring(at(index), source)
      await second.finish(whole, ranges)
      expect(there(NAME).equals(body)).toBe(true)
    })

    it('gives no name to a file whose ranges are not the whole, or that has another size', async () => {
      const writer = await writerFor()
      await bringAll(writer)
      const refusal = { name: 'ChecksumMismatch' }
      await expect(writer.finish(whole, ranges.slice(1))).rejects.toMatchObject(refusal)
      await expect(writer.finish(whole, ranges.slice(0, -1))).rejects.toMatchObject(refusal)
      await expect(writer.finish({ crc32: 1 }, ranges)).rejects.toMatchObject(refusal)
      truncateSync(join(folder, PARTIAL), body.length + 1)
      await expect(writer.finish(whole, ranges)).rejects.toMatchObject(refusal)
      expect(readdirSync(folder)).toEqual([PARTIAL])
    })

    it('refuses bytes that are not those of the range, and leaves the rest', async () => {
      const writer = await writerFor()
      const wrong = { ...at(1), crc32: at(1).crc32 ^ 1 }
      await expect(writer.bring({ ...wrong, crc32: wrong.crc32 >>> 0 }, source)).rejects.toMatchObject({
        name: 'ChecksumMismatch',
        message: expect.stringMatching(/the store gave other bytes/),
      })
      await expect(writer.bring(at(1), source)).resolves.toEqual({ throttles: 0, crc32: at(1).crc32 })
    })

    const unknown = ({ positionBytes, sizeBytes }: FileRange): Range => ({ positionBytes, sizeBytes })

    it('learns the sums of ranges that nobody knows, and gives the name when together they make the whole', async () => {
      const writer = await writerFor()
      const learned: FileRange[] = []
      for (const range of ranges) {
        const { crc32: sum } = await writer.bring(unknown(range), source)
        learned.push({ ...unknown(range), crc32: sum })
      }
      expect(learned).toEqual(ranges)
      expect(await writer.finish(whole, learned)).toEqual({ made: true })
      expect(there(NAME).equals(body)).toBe(true)
    })

    it('gives no name when a learned sum is that of other bytes than the archive has', async () => {
      const other = Buffer.from(body)
      other[MIB] = (other[MIB] ?? 0) ^ 1
      const altered = await tested.sourceOf(other)
      const writer = await writerFor()
      const learned: FileRange[] = []
      for (const range of ranges) {
        const { crc32: sum } = await writer.bring(unknown(range), altered)
        learned.push({ ...unknown(range), crc32: sum })
      }
      expect(learned).toEqual(rangesOf(other))
      await expect(writer.finish(whole, learned)).rejects.toMatchObject({
        name: 'ChecksumMismatch',
        message: expect.stringContaining('manifest'),
      })
      expect(readdirSync(folder)).toEqual([PARTIAL])
    })

    it.each([
      ['known', (range: FileRange): Range => range],
      ['unknown', unknown],
    ])('brings a range of %s sum again when a byte changed on its way to the disk', async (_what, asked) => {
      const { spoiling } = tested
      if (spoiling === undefined) {
        console.warn('skipped: no sftp-server')
        return
      }
      const writer = await writerFor({ folder: spoiling.server.folder }, tested.deliveryTo(spoiling.server))
      spoiling.spoil('once')
      expect(await writer.bring(asked(at(0)), source)).toMatchObject({ crc32: at(0).crc32 })
      expect(spoiling.pending()).toBe(false)
      expect(await writer.holds(at(0))).toBe(true)
      spoiling.spoil('always')
      await expect(writer.bring(asked(at(1)), source)).rejects.toMatchObject({
        name: 'ChecksumMismatch',
        message: expect.stringMatching(/isn't what was sent/),
      })
      spoiling.spoil('never')
      expect(await writer.holds(at(1))).toBe(false)
      await writer.discard()
    })

    it.runIf(overTheLine)(
      'leaves it to the format of a file that proves itself to find a byte that changed',
      async () => {
        const { spoiling } = tested
        if (spoiling === undefined) return
        const settings = { folder: spoiling.server.folder, provesItself: true }
        const writer = await writerFor(settings, tested.deliveryTo(spoiling.server))
        spoiling.spoil('once')
        expect(await writer.bring(at(0), source)).toEqual({ throttles: 0, crc32: at(0).crc32 })
        expect(spoiling.pending()).toBe(false)
        // Whoever asks is told the truth all the same.
        expect(await writer.holds(at(0))).toBe(false)
        const wrong = { ...at(1), crc32: (at(1).crc32 ^ 1) >>> 0 }
        await expect(writer.bring(wrong, source)).rejects.toMatchObject({ name: 'ChecksumMismatch' })
        await writer.discard()
      },
    )

    it('never touches a file of another size under the final name', async () => {
      writeFileSync(join(folder, NAME), 'mine')
      await expect(writerFor()).rejects.toMatchObject({ name: 'TargetTaken', message: expect.stringContaining(NAME) })
      expect(there(NAME).toString()).toBe('mine')
      expect(readdirSync(folder)).toEqual([NAME])
    })

    it('never touches a file that came under the final name meanwhile', async () => {
      const writer = await writerFor()
      await bringAll(writer)
      const mine = Buffer.alloc(body.length, 1)
      for (const other of ['mine', mine]) {
        writeFileSync(join(folder, NAME), other)
        await expect(writer.finish(whole, ranges)).rejects.toMatchObject({ name: 'TargetTaken' })
        expect(there(NAME).equals(Buffer.from(other))).toBe(true)
      }
      expect(readdirSync(folder).toSorted()).toEqual([PARTIAL, NAME].toSorted())
    })

    it('tells a file of the same size from the whole one by its bytes, before any is sent', async () => {
      writeFileSync(join(folder, NAME), Buffer.alloc(body.length, 1))
      const writer = await writerFor()
      expect(await writer.holds(at(0))).toBe(false)
      await expect(writer.bring(at(0), source)).rejects.toMatchObject({ name: 'TargetTaken' })
      await expect(writer.finish(whole, ranges)).rejects.toMatchObject({ name: 'TargetTaken' })
    })

    it('takes a finish whose answer was lost for done, and says that it did not do it', async () => {
      const first = await writerFor()
      await bringAll(first)
      await first.finish(whole, ranges)
      expect(await first.finish(whole, ranges)).toEqual({ made: false })
      const second = await writerFor()
      expect(second.found).toBeUndefined()
      expect(await second.holds(at(1))).toBe(true)
      expect(await second.finish(whole, ranges)).toEqual({ made: false })
      expect(readdirSync(folder)).toEqual([NAME])
    })

    it('lets two restores bring the same file at once, each under a name of its own', async () => {
      const both = [await writerFor(), await writerFor({ token: 'ffffffffffff' })]
      await Promise.all(both.map(bringAll))
      expect(readdirSync(folder)).toHaveLength(2)
      const made = []
      for (const writer of both) made.push(await writer.finish(whole, ranges))
      expect(made).toEqual([{ made: true }, { made: false }])
      expect(readdirSync(folder)).toEqual([NAME])
      expect(there(NAME).equals(body)).toBe(true)
    })

    it('lets two writers of one restore work on the same file', async () => {
      const [one, other] = [await writerFor(), await writerFor()]
      await Promise.all(ranges.map((range, index) => (index % 2 === 0 ? one : other).bring(range, source)))
      await other.finish(whole, ranges)
      expect(there(NAME).equals(body)).toBe(true)
    })

    it('never follows a link that stands in the place of its file', async () => {
      const victim = join(tested.ssh.folder, `victim ${number}`)
      writeFileSync(victim, 'precious')
      const early = await writerFor()
      symlinkSync(victim, join(folder, PARTIAL))
      await expect(writerFor()).rejects.toMatchObject({ name: 'TargetUnwritable' })
      await expect(early.bring(at(0), source)).rejects.toMatchObject({ name: 'TargetUnwritable' })
      rmSync(join(folder, PARTIAL))
      symlinkSync(victim, join(folder, NAME))
      await expect(writerFor()).rejects.toMatchObject({ name: 'TargetTaken' })
      rmSync(join(folder, NAME))
      await bringAll(early)
      symlinkSync(victim, join(folder, NAME))
      await expect(early.finish(whole, ranges)).rejects.toMatchObject({ name: 'TargetTaken' })
      expect(readFileSync(victim, 'utf8')).toBe('precious')
    })

    it.each<Partial<Target>>([
      { name: '../outside' },
      { name: '..' },
      { name: '' },
      { name: 'a/b' },
      { name: 'a\nb' },
      { name: 'x'.repeat(250) },
      { folder: 'var/lib/vz/dump' },
      { folder: '/var/lib/../../etc' },
      { token: '../../etc' },
    ])('refuses a place outside the folder: %j', async (changes) => {
      await expect(tested.deliveryTo(tested.ssh).open(target(changes))).rejects.toMatchObject({
        name: 'TargetUnwritable',
      })
    })

    it('says so when the folder is missing, or is none', async () => {
      const delivery = tested.deliveryTo(tested.ssh)
      const missing = { name: 'TargetUnwritable', message: expect.stringMatching(/doesn't exist/) }
      await expect(delivery.open(target({ folder: `${folder}/gone` }))).rejects.toMatchObject(missing)
      await expect(delivery.check('pve1', `${folder}/gone`)).rejects.toMatchObject(missing)
      writeFileSync(join(folder, 'file'), '')
      await expect(delivery.check('pve1', join(folder, 'file'))).rejects.toMatchObject({ name: 'TargetUnwritable' })
      expect((await delivery.check('pve1', folder)).freeBytes).toBeGreaterThan(0)
    })

    it('says so when the account may not write in the folder', async () => {
      chmodSync(folder, 0o555)
      const delivery = tested.deliveryTo(tested.unprivileged)
      const attempt = async (): Promise<void> => {
        const writer = await writerFor({}, delivery)
        await writer.bring(at(0), source)
      }
      await expect(attempt()).rejects.toMatchObject({
        name: 'TargetUnwritable',
        message: expect.stringMatching(/may not write.*right to write/),
      })
      expect(readdirSync(folder)).toEqual([])
    })

    it('finds out that the disk is too small before a byte is sent, and names a disk that fills up meanwhile', async () => {
      const { small } = tested
      if (small === undefined) {
        console.warn('skipped: no right to mount a small disk')
        return
      }
      const disk = join(small.folder, 'small')
      const inside = `/proc/${small.pid}/root${disk}`
      const delivery = tested.deliveryTo(small)
      const full = { name: 'TargetFull', group: 'fail-guest', standing: 'unscathed' }
      await expect(delivery.open(target({ folder: disk, sizeBytes: 9 * MIB }))).rejects.toMatchObject(full)
      expect(readdirSync(inside)).toEqual([])
      const writer = await writerFor({ folder: disk }, delivery)
      await writer.bring(at(0), source)
      writeFileSync(join(inside, 'filler'), Buffer.alloc(6 * MIB + MIB / 2))
      await expect(writer.bring(at(1), source)).rejects.toMatchObject(full)
      rmSync(join(inside, 'filler'))
      // What was brought counts.
      const second = await writerFor({ folder: disk }, delivery)
      expect(await second.holds(at(0))).toBe(true)
      await bringAll(second)
      await second.finish(whole, ranges)
      expect(readFileSync(join(inside, NAME)).equals(body)).toBe(true)
    })

    it('says ConnectionDropped when the session is killed in the middle, and another writer goes on', async () => {
      const writer = await writerFor()
      await writer.bring(at(0), source)
      const dying: RangeSource = {
        read: (range) => source.read(range).finally(() => killSessions(tested.ssh)),
        sign: (range) => source.sign(range).finally(() => killSessions(tested.ssh)),
      }
      await expect(writer.bring(at(1), dying)).rejects.toMatchObject({ name: 'ConnectionDropped', group: 'retry' })
      const second = await writerFor()
      expect(await second.holds(at(0))).toBe(true)
      for (const index of [1, 2, 3]) await second.bring(at(index), source)
      await second.finish(whole, ranges)
      expect(there(NAME).equals(body)).toBe(true)
    })

    it('says ConnectionDropped when the session hangs', async () => {
      const delivery = tested.deliveryTo(tested.ssh, { idleMilliseconds: 4_000, speakSeconds: 0.5 })
      const writer = await writerFor({}, delivery)
      await writer.bring(at(0), source)
      const hanging: RangeSource = {
        read: (range) => source.read(range).finally(() => stopSessions(tested.ssh)),
        sign: (range) => source.sign(range).finally(() => stopSessions(tested.ssh)),
      }
      await expect(writer.bring(at(1), hanging)).rejects.toMatchObject({ name: 'ConnectionDropped' })
      killSessions(tested.ssh)
    })

    it('stops when told to, and goes on with others', async () => {
      const writer = await writerFor()
      const abort = new AbortController()
      const stopping: RangeSource = {
        read: (range) => source.read(range).finally(() => abort.abort(new Error('enough'))),
        sign: (range) => source.sign(range).finally(() => abort.abort(new Error('enough'))),
      }
      await expect(writer.bring(at(0), stopping, abort.signal)).rejects.toThrow('enough')
      await expect(writer.holds(at(0), abort.signal)).rejects.toThrow('enough')
      await bringAll(writer)
      await writer.finish(whole, ranges)
      expect(there(NAME).equals(body)).toBe(true)
    })

    it('removes its own file and no other, as often as it is asked to', async () => {
      const writer = await writerFor()
      await writer.bring(at(0), source)
      writeFileSync(join(folder, NAME), 'mine')
      await writer.discard()
      await writer.discard()
      expect(readdirSync(folder)).toEqual([NAME])
      await expect(writer.holds(at(0))).resolves.toBe(false)
    })

    it('removes what a restore brought, under both of its names, and no file without its mark', async () => {
      const name = NAME.replace('.vma', `-${TOKEN}.vma`)
      const delivery = tested.deliveryTo(tested.ssh)
      const half = await writerFor({ name })
      await half.bring(at(0), source)
      await delivery.remove(target({ name }))
      expect(readdirSync(folder)).toEqual([])
      const writer = await writerFor({ name })
      await bringAll(writer)
      await writer.finish(whole, ranges)
      writeFileSync(join(folder, NAME), 'mine')
      await delivery.remove(target({ name }))
      await delivery.remove(target({ name }))
      expect(readdirSync(folder)).toEqual([NAME])
      await expect(delivery.remove(target())).rejects.toMatchObject({ name: 'TargetUnwritable' })
      expect(there(NAME).toString()).toBe('mine')
    })

    it('removes a file from a disk that is full', async () => {
      const { small } = tested
      if (small === undefined) return
      const [disk, name] = [join(small.folder, 'small'), NAME.replace('.vma', `-${TOKEN}.vma`)]
      const inside = `/proc/${small.pid}/root${disk}`
      const delivery = tested.deliveryTo(small)
      const own = () => readdirSync(inside).filter((file) => file.includes(TOKEN))
      const writer = await writerFor({ folder: disk, name }, delivery)
      await writer.bring(at(0), source)
      const tooLarge = target({ folder: disk, name, sizeBytes: 64 * MIB })
      await expect(delivery.open(tooLarge)).rejects.toMatchObject({ name: 'TargetFull' })
      expect(own()).toHaveLength(1)
      await delivery.remove(tooLarge)
      expect(own()).toEqual([])
    })

    it('says so when its file is gone before it is whole', async () => {
      const writer = await writerFor()
      await bringAll(writer)
      rmSync(join(folder, PARTIAL))
      await expect(writer.finish(whole, ranges)).rejects.toMatchObject({ name: 'TargetUnwritable' })
      expect(existsSync(join(folder, NAME))).toBe(false)
    })
  })
}
