import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { openSftpDelivery } from '../../../functions/writers/sftp/sftp.ts'
import { Lanes } from '../../../functions/writers/sftp/sftp-lanes.ts'
import { Turns } from '../../../functions/writers/sftp/turns.ts'
import type { SftpClient } from '../../../functions/ssh/sftp/sftp-client.ts'
import type { SftpSession } from '../../../functions/ssh/sftp/sftp-session.ts'
import { sshdPath, startOpenSsh } from '../ssh/openssh-server.ts'
import { loginAt } from './sessions.ts'

/** A session that gives so many channels beside its own; each client is a name. */
function session(channelsToFill: number, given: number): SftpSession & { asked: number } {
  const fake = {
    sftp: 'first' as unknown as SftpClient,
    channelsToFill,
    asked: 0,
    allow: () => undefined,
    close: async () => undefined,
    another: async () => {
      fake.asked++
      return fake.asked > given ? undefined : (`channel ${fake.asked}` as unknown as SftpClient)
    },
  }
  return fake
}
const opened = (sftp: SftpClient) => Promise.resolve(Buffer.from(sftp as unknown as string))

describe('the channels over which a file is written', () => {
  it('are as many as fill the line, opened once', async () => {
    const far = session(3, 9)
    const lanes = new Lanes(far, opened)
    const [all, again] = await Promise.all([lanes.all(), lanes.all()])
    expect(all.map(({ handle }) => handle.toString())).toEqual(['first', 'channel 1', 'channel 2'])
    expect(again).toBe(all)
    expect(far.asked).toBe(2)
  })

  it('are those that the server gives', async () => {
    const lanes = new Lanes(session(8, 1), opened)
    expect((await lanes.all()).map(({ handle }) => handle.toString())).toEqual(['first', 'channel 1'])
  })

  it('are one on a short line', async () => {
    const near = session(1, 9)
    expect(await new Lanes(near, opened).all()).toHaveLength(1)
    expect(near.asked).toBe(0)
  })

  it('are opened again after a failure', async () => {
    let fails = true
    const lanes = new Lanes(session(1, 0), async (sftp) => {
      if (fails) throw new Error('no such folder')
      return opened(sftp)
    })
    await expect(lanes.all()).rejects.toThrow('no such folder')
    fails = false
    expect(await lanes.all()).toHaveLength(1)
  })

  const limits = { 'one session': 'MaxSessions 1', 'a new key after each mebibyte': 'RekeyLimit 1M' }
  it.skipIf(sshdPath === undefined).each(Object.entries(limits))(
    'do with %s where the server wants that',
    async (_, line) => {
      const server = await startOpenSsh(['Subsystem sftp internal-sftp', line])
      const folder = await mkdtemp(join(tmpdir(), 'guestlift-channels-'))
      try {
        const body = randomBytes(12 * 2 ** 20 + 5)
        const target = {
          node: 'pve1',
          folder,
          name: 'vzdump-qemu-1.vma.zst',
          token: 'abcdefgh',
          sizeBytes: body.length,
        }
        const writer = await openSftpDelivery('hq', loginAt(server), { leastUnderWayBytes: 8 * 2 ** 20 }).open(target)
        const half = 7 * 2 ** 20
        const ranges = [
          { positionBytes: 0, sizeBytes: half, crc32: crc32(body.subarray(0, half)) },
          { positionBytes: half, sizeBytes: body.length - half, crc32: crc32(body.subarray(half)) },
        ]
        const source = {
          read: async ({ positionBytes, sizeBytes }: { positionBytes: number; sizeBytes: number }) =>
            body.subarray(positionBytes, positionBytes + sizeBytes),
          sign: () => Promise.reject(new Error('nobody fetches')),
        }
        await Promise.all(ranges.map((range) => writer.bring(range, source)))
        await writer.finish({ crc32: crc32(body) }, ranges)
        await writer.close()
        expect((await readFile(join(folder, target.name))).equals(body)).toBe(true)
      } finally {
        await server.close()
        await rm(folder, { recursive: true })
      }
    },
  )
})

describe('turns', () => {
  it('lets so many work at once, and the others in the order in which they came', async () => {
    const turns = new Turns(2)
    const begun: number[] = []
    const ends: (() => void)[] = []
    const works = [0, 1, 2, 3].map((number) =>
      turns.run(async () => {
        begun.push(number)
        await new Promise<void>((resolve) => ends.push(resolve))
        return number
      }),
    )
    expect(begun).toEqual([0, 1])
    ends[1]?.()
    await works[1]
    expect(begun).toEqual([0, 1, 2])
    ends[0]?.()
    ends[2]?.()
    await Promise.all([works[0], works[2]])
    ends[3]?.()
    expect(await Promise.all(works)).toEqual([0, 1, 2, 3])
  })

  it('goes on after work that fails', async () => {
    const turns = new Turns(1)
    await expect(turns.run(() => Promise.reject(new Error('disk full')))).rejects.toThrow('disk full')
    expect(await turns.run(async () => 'next')).toBe('next')
  })
})
