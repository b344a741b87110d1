/** The image is judged by QEMU's own tool, where this machine has it. */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import {
  mostQcow2Bytes,
  QCOW2_CLUSTER_BYTES,
  Qcow2Image,
} from '../../../../functions/archive-formats/qcow2/qcow2-image.ts'

const folder = mkdtempSync(join(tmpdir(), 'guestlift-qcow2-'))
afterAll(() => rmSync(folder, { recursive: true }))

const noTool = spawnSync('qemu-img', ['--version']).status !== 0
if (noTool) console.warn('skipped: no qemu-img')

/** @param clusters of the disk, in the order in which they come; `undefined` for one that passes unwritten */
async function imageOf(sizeBytes: number, clusters: readonly (readonly [number, Buffer | undefined])[]) {
  const chunks: Buffer[] = []
  const image = new Qcow2Image({ sizeBytes, emit: async (bytes) => void chunks.push(Buffer.from(bytes)) })
  for (const [cluster, bytes] of clusters) {
    if (bytes !== undefined) await image.write(cluster * QCOW2_CLUSTER_BYTES, bytes)
    await image.passed(cluster * QCOW2_CLUSTER_BYTES)
  }
  const { header, sizeBytes: fileBytes } = await image.finish()
  const file = Buffer.concat([header, ...chunks])
  expect(file).toHaveLength(fileBytes)
  expect(fileBytes).toBeLessThanOrEqual(mostQcow2Bytes(sizeBytes))
  return file
}

function judge(file: Buffer): { disk: Buffer; info: { 'virtual-size': number } } {
  const [image, raw] = [join(folder, 'disk.qcow2'), join(folder, 'disk.raw')]
  writeFileSync(image, file)
  // Fails on leaked and doubly used clusters, too.
  execFileSync('qemu-img', ['check', '-f', 'qcow2', image], { stdio: 'pipe' })
  execFileSync('qemu-img', ['convert', '-f', 'qcow2', '-O', 'raw', image, raw], { stdio: 'pipe' })
  const info = JSON.parse(execFileSync('qemu-img', ['info', '--output=json', image], { encoding: 'utf8' })) as {
    'virtual-size': number
  }
  return { disk: readFileSync(raw), info }
}

const filled = (byte: number, length = QCOW2_CLUSTER_BYTES) => Buffer.alloc(length, byte)

describe.skipIf(noTool)('a qcow2 image that is written in one pass', () => {
  it('holds the clusters of a disk in whatever order they came, and zeros elsewhere', async () => {
    const sizeBytes = 5 * QCOW2_CLUSTER_BYTES + 512
    const { disk, info } = judge(
      await imageOf(sizeBytes, [
        [5, filled(6, 512)],
        [2, filled(3)],
        [0, filled(1, 4096)],
        [1, undefined],
        [3, filled(4)],
        [4, undefined],
      ]),
    )
    expect(info['virtual-size']).toBe(sizeBytes)
    const expected = Buffer.alloc(sizeBytes)
    filled(1, 4096).copy(expected, 0)
    filled(3).copy(expected, 2 * QCOW2_CLUSTER_BYTES)
    filled(4).copy(expected, 3 * QCOW2_CLUSTER_BYTES)
    filled(6, 512).copy(expected, 5 * QCOW2_CLUSTER_BYTES)
    expect(disk.equals(expected)).toBe(true)
  })

  it('holds a disk without any content', async () => {
    const { disk } = judge(await imageOf(528 * 1024, [[0, undefined]]))
    expect(disk.equals(Buffer.alloc(528 * 1024))).toBe(true)
  })

  it('takes no more room than what a large disk holds', async () => {
    const terabyte = 2 ** 40
    const last = terabyte / QCOW2_CLUSTER_BYTES - 1
    const file = await imageOf(terabyte, [
      [last, filled(9)],
      [0, filled(8)],
    ])
    expect(file.length).toBeLessThan(12 * QCOW2_CLUSTER_BYTES)
    writeFileSync(join(folder, 'large.qcow2'), file)
    execFileSync('qemu-img', ['check', join(folder, 'large.qcow2')], { stdio: 'pipe' })
    const map = JSON.parse(
      execFileSync('qemu-img', ['map', '--output=json', join(folder, 'large.qcow2')], { encoding: 'utf8' }),
    ) as { start: number; length: number; data: boolean }[]
    expect(map.filter(({ data }) => data).map(({ start }) => start)).toEqual([0, last * QCOW2_CLUSTER_BYTES])
  })

  it('counts references beyond what one block of counts holds', async () => {
    // 2 GiB in the file are what one block counts; each buffer is the same memory.
    const clusters = 33_000
    let bytes = 0
    const image = new Qcow2Image({
      sizeBytes: clusters * QCOW2_CLUSTER_BYTES,
      emit: async (emitted) => void (bytes += emitted.length),
    })
    const content = filled(1, 512)
    for (let cluster = 0; cluster < clusters; cluster += 1) {
      await image.write(cluster * QCOW2_CLUSTER_BYTES, content)
      await image.passed(cluster * QCOW2_CLUSTER_BYTES)
    }
    const { sizeBytes } = await image.finish()
    expect(bytes + QCOW2_CLUSTER_BYTES).toBe(sizeBytes)
    // Data, 5 tables, their list, the list of counts, 2 blocks of counts, and the header.
    expect(sizeBytes / QCOW2_CLUSTER_BYTES).toBe(clusters + 5 + 1 + 1 + 2 + 1)
  })
})

describe('a disk that can not be an image', () => {
  it.each([513, 17 * 2 ** 40])('is refused for its size of %i bytes', (sizeBytes) => {
    expect(() => new Qcow2Image({ sizeBytes, emit: async () => undefined })).toThrow(RangeError)
  })
})
