import { crc32, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { ByteRange } from '../../../../functions/aws/archive-store.ts'
import { StoreDenied, StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { type Verification, verificationSchema } from '../../../../functions/contracts/verification.ts'
import { crc32ToBase64 } from '../../../../functions/domain/transfer/crc32.ts'
import { verifyDeep, verifyDeepTask } from '../../../../functions/operations/verification/verify-deep.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'
import { vma } from '../../archive-formats/proxmox/made-archives.ts'
import { diskOf, packed } from '../../archive-formats/raw-disk/made-disks.ts'

const folder = 'archives/hq/vm-100/2026-11-22T02-00-00Z/'
const fileName = 'vzdump-qemu-100-2026_11_22-02_00_00.vma'
const guest = { id: '100', kind: 'vm', name: 'web1', node: 'pve1' } as const
const verificationKey = `${folder}verification.json`

async function scene(bytes?: Buffer, name = fileName) {
  const archive = bytes ?? (await vma())
  const store = new MemoryStore()
  const put = (body: Buffer) => store.objects.set(`${folder}${name}`, { body, etag: String(crc32(body)) })
  put(archive)
  const manifest = manifestOf('2026-11-22T02:00:00.000Z', [archive.length], guest)
  const [artifact] = manifest.artifacts
  const own = {
    ...artifact,
    key: `${folder}${name}`,
    fileName: name,
    checksum: `CRC32:${crc32ToBase64(crc32(archive))}`,
  }
  await store.writeText(`${folder}manifest.json`, JSON.stringify({ ...manifest, artifacts: [own] }))
  let day = 23
  const ports = {
    store,
    keyPrefix: '',
    toolVersion: 'guestlift/9.9.9',
    now: () => new Date(`2026-11-${day}T00:00:00.000Z`),
    remainingMilliseconds: () => 900_000,
  }
  const kept = async (): Promise<Verification> =>
    verificationSchema.parse(JSON.parse((await store.readText(verificationKey))?.text ?? 'null'))
  return { archive, store, ports, put, kept, nextDay: () => (day += 1) }
}

describe('the locks of an archive that is read', () => {
  const until = '2027-01-01T00:00:00.000Z'
  const noted = { mode: 'governance', until } as const
  const key = `${folder}${fileName}`
  const MANIFEST = `${folder}manifest.json`

  async function noting(lock: object | undefined, writtenAt = '2026-11-22T02:00:00.000Z') {
    const its = await scene()
    const manifest = JSON.parse((await its.store.readText(`${folder}manifest.json`))?.text ?? '')
    const artifacts = manifest.artifacts.map((artifact: object) => ({ ...artifact, ...(lock && { lock }) }))
    await its.store.writeText(MANIFEST, JSON.stringify({ ...manifest, writtenAt, artifacts }))
    its.store.locks.set(MANIFEST, noted)
    return its
  }

  it('are noted in the verdict as S3 shows them', async () => {
    const { store, ports, kept } = await noting(noted)
    store.locks.set(key, { ...noted, legalHold: true, writtenAt: until })
    const verification = await verifyDeep(folder, ports)
    expect(verification).toMatchObject({ result: 'accepted', locks: [{ fileName, ...noted, legalHold: true }] })
    expect(verification).not.toHaveProperty('lockTrouble')
    expect(await kept()).toEqual(verification)
  })

  it('are a trouble where the manifest noted more: the bytes are as good as ever', async () => {
    const { ports } = await noting(noted)
    const verification = await verifyDeep(folder, ports)
    expect(verification).toMatchObject({ result: 'accepted', findings: [] })
    expect(verification).not.toHaveProperty('locks')
    expect(verification.lockTrouble).toMatch(
      /^s3:\/\/memory\/archives.*is not locked as it is to be: S3 shows no lock on it, and its manifest has a lock until 2027.*\. Lock it again/,
    )
  })

  it('are a trouble of an archive that is young enough where the deployment demands them', async () => {
    const requiredLock = { mode: 'governance', days: 30 } as const
    const { store, ports } = await noting(undefined)
    expect((await verifyDeep(folder, ports)).lockTrouble).toBeUndefined()
    const { lockTrouble } = await verifyDeep(folder, { ...ports, requiredLock })
    expect(lockTrouble).toContain('S3 shows no lock on it, and this deployment demands one for 30 days.')
    const old = await noting(undefined, '2026-11-01T00:00:00.000Z')
    expect((await verifyDeep(folder, { ...old.ports, requiredLock })).lockTrouble).toBeUndefined()
    store.locks.set(key, noted)
    expect((await verifyDeep(folder, { ...ports, requiredLock })).lockTrouble).toBeUndefined()
  })

  it('of another version than the one that the manifest names are none', async () => {
    const { store, ports } = await noting(noted)
    store.locks.set(key, noted)
    const manifest = JSON.parse((await store.readText(`${folder}manifest.json`))?.text ?? '')
    manifest.artifacts[0].versionId = 'v1'
    await store.writeText(`${folder}manifest.json`, JSON.stringify(manifest))
    expect((await verifyDeep(folder, ports)).lockTrouble).toContain('S3 shows no lock on it')
  })

  it.each([['v1'], [undefined]])(
    'are those of the version that the manifest names, or of any: %s',
    async (versionId) => {
      const { store, ports } = await noting(noted)
      const head = store.head.bind(store)
      store.head = async (of) => {
        const object = await head(of)
        return object && { ...object, versionId: 'v1' }
      }
      store.locks.set(key, noted)
      const manifest = JSON.parse((await store.readText(`${folder}manifest.json`))?.text ?? '')
      if (versionId !== undefined) manifest.artifacts[0].versionId = versionId
      await store.writeText(`${folder}manifest.json`, JSON.stringify(manifest))
      store.locks.set(MANIFEST, noted)
      expect((await verifyDeep(folder, ports)).lockTrouble).toBeUndefined()
    },
  )

  it('are missed of the manifest, too, as long as its files are locked', async () => {
    const { store, ports } = await noting(noted)
    store.locks.set(key, noted)
    store.locks.delete(MANIFEST)
    const { lockTrouble } = await verifyDeep(folder, ports)
    expect(lockTrouble).toMatch(
      /^s3:\/\/memory\/\S+manifest\.json is not locked as its files: S3 shows no lock on it, and its manifest has a lock until 2027/,
    )
    store.locks.set(MANIFEST, { ...noted, until: '2027-02-01T00:00:00.000Z' })
    expect((await verifyDeep(folder, ports)).lockTrouble).toBeUndefined()
  })

  it('are demanded also of a file whose manifest noted a hold alone, and each file is named', async () => {
    const requiredLock = { mode: 'governance', days: 30 } as const
    const { store, ports } = await noting({ legalHold: true })
    const manifest = JSON.parse((await store.readText(`${folder}manifest.json`))?.text ?? '')
    manifest.artifacts.push({ ...manifest.artifacts[0], lock: undefined })
    await store.writeText(`${folder}manifest.json`, JSON.stringify(manifest))
    const { lockTrouble } = await verifyDeep(folder, { ...ports, requiredLock })
    const one =
      /s3:\/\/memory\/\S+ is not locked as it is to be: S3 shows no lock on it, and this deployment demands one for 30 days\./
    expect(lockTrouble).toMatch(new RegExp(`^${one.source} ${one.source} Lock it again`))
  })

  it('are not missed where a file is missing: that is the news', async () => {
    const { store, ports } = await noting(noted)
    store.objects.delete(key)
    const verification = await verifyDeep(folder, ports)
    expect(verification).toMatchObject({ result: 'refused', findings: [{ code: 'object-missing' }] })
    expect(verification).not.toHaveProperty('lockTrouble')
  })
})

describe('reading an archive back from the store', () => {
  it('writes beside the manifest that it is whole, with what was seen', async () => {
    const { archive, ports, kept } = await scene()
    const verification = await verifyDeep(folder, ports)
    expect(verification).toMatchObject({ result: 'accepted', findings: [], tool: 'guestlift/9.9.9' })
    expect(verification.evidence).toMatchObject([
      { fileName, sizeBytes: archive.length, crc32: crc32ToBase64(crc32(archive)), guest: { id: '100' } },
    ])
    expect(await kept()).toEqual(verification)
  })

  it('tells how much content there is and how random it looks, compressed or not', async () => {
    const plain = (await scene()).ports
    const [evidence] = (await verifyDeep(folder, plain)).evidence
    expect(evidence?.entropyBitsPerByte).toBeGreaterThan(2)
    expect(evidence?.entropyBitsPerByte).toBeLessThan(7)
    const { ports } = await scene(zstdCompressSync(await vma()))
    const [packed] = (await verifyDeep(folder, ports)).evidence
    expect(packed).toMatchObject({
      compression: 'zstd',
      contentBytes: evidence?.contentBytes,
      entropyBitsPerByte: evidence?.entropyBitsPerByte,
    })
  })

  it('reads the disk in an archive of zstd frames, and refuses one whose last part is missing', async () => {
    const disk = diskOf(['hole', 'text', 'random'], 512)
    const { object, assembly } = await packed(disk)
    const whole = await scene(object, 'web1-xvda.raw.zst')
    expect(await verifyDeep(folder, whole.ports)).toMatchObject({
      result: 'accepted',
      evidence: [{ contentBytes: disk.bytes.length, disk: { crc32: crc32ToBase64(assembly.source.crc32), pads: 1 } }],
    })
    expect((await whole.kept()).evidence[0]?.disk).toEqual({
      frames: assembly.content?.frames,
      pads: 1,
      crc32: crc32ToBase64(crc32(disk.bytes)),
    })
    const cut = await scene(
      object.subarray(0, object.length - (assembly.closing[0]?.sizeBytes ?? 0)),
      'web1-xvda.raw.zst',
    )
    expect(await verifyDeep(folder, cut.ports)).toMatchObject({
      result: 'refused',
      findings: [{ code: 'seek-table-missing' }],
    })
  })

  it('finds a bit that flipped where the format sums up nothing', async () => {
    const { archive, put, ports, kept } = await scene()
    const at = archive.length - 100
    const damaged = Buffer.from(archive)
    damaged[at] = (damaged[at] ?? 0) ^ 4
    put(damaged)
    expect((await verifyDeep(folder, ports)).findings.map(({ code }) => code)).toEqual(['manifest-mismatch'])
    expect((await kept()).result).toBe('refused')
  })

  it('tells an archive that was damaged when it was stored from one that changed since', async () => {
    const whole = await vma()
    const { ports } = await scene(whole.subarray(0, -4_096))
    const codes = (await verifyDeep(folder, ports)).findings.map(({ code }) => code)
    expect(codes).toContain('vma-cut-short')
    expect(codes).not.toContain('manifest-mismatch')
  })

  it('refuses an archive whose file is gone', async () => {
    const { store, ports } = await scene()
    await store.remove(`${folder}${fileName}`)
    expect(await verifyDeep(folder, ports)).toMatchObject({ result: 'refused', findings: [{ code: 'object-missing' }] })
  })

  it('says nothing of a folder without a manifest, and writes nothing there', async () => {
    const { store, ports } = await scene()
    await store.remove(`${folder}manifest.json`)
    expect((await verifyDeep(folder, ports)).result).toBe('not-verified')
    await store.writeText(`${folder}manifest.json`, '{"version":2}')
    expect((await verifyDeep(folder, ports)).findings.map(({ code }) => code)).toEqual(['manifest-unreadable'])
    expect(store.objects.has(verificationKey)).toBe(false)
  })

  it.each([new StoreUnavailable('the line is down'), new StoreDenied('InvalidObjectState: it is in Glacier')])(
    'says "not verified" when the store gives nothing, and leaves what an earlier reading found: %s',
    async (fault) => {
      const { store, ports, kept, nextDay } = await scene()
      const before = await verifyDeep(folder, ports)
      nextDay()
      store.readRange = () => Promise.reject(fault)
      const after = await verifyDeep(folder, ports)
      expect(after.result).toBe('not-verified')
      expect(after.findings[0]?.message).toContain(fault.message)
      expect(await kept()).toEqual({
        ...before,
        attempt: { at: after.verifiedAt, reason: expect.stringContaining(fault.message) },
      })
    },
  )

  it('forgets a try that failed as soon as one succeeds', async () => {
    const { store, ports, kept, nextDay } = await scene()
    await verifyDeep(folder, ports)
    nextDay()
    const read = store.readRange.bind(store)
    store.readRange = () => Promise.reject(new StoreUnavailable('the line is down'))
    await verifyDeep(folder, ports)
    expect((await kept()).attempt).toBeDefined()
    nextDay()
    store.readRange = read
    expect(await kept()).not.toEqual(await verifyDeep(folder, ports))
    expect((await kept()).attempt).toBeUndefined()
  })

  it('replaces an older verification, and leaves a newer one', async () => {
    const { ports, kept, nextDay } = await scene()
    await verifyDeep(folder, ports)
    nextDay()
    const second = await verifyDeep(folder, ports)
    expect(await kept()).toEqual(second)
    await verifyDeep(folder, { ...ports, now: () => new Date('2026-11-01T00:00:00.000Z') })
    expect(await kept()).toEqual(second)
  })

  it('gives up on an object that is replaced while it is read', async () => {
    const { archive, store, put, ports } = await scene()
    const read = store.readRange.bind(store)
    store.readRange = (key: string, range: ByteRange) => {
      put(Buffer.concat([archive, Buffer.alloc(1)]))
      return read(key, range)
    }
    expect((await verifyDeep(folder, ports)).result).toBe('not-verified')
  })
})

describe('reading an archive within the time of a function', () => {
  /** More than one range of 16 MiB, so that there is a between. */
  const large = async () => scene(Buffer.concat([await vma(), Buffer.alloc(40 * 2 ** 20)]))

  it('stops itself while there is time to say so, and tells how far it got', async () => {
    const { ports, kept } = await large()
    let asked = 0
    const remainingMilliseconds = () => (asked++ < 2 ? 61_000 : 59_999)
    const answer = await verifyDeepTask({ folder }, { ...ports, remainingMilliseconds })
    expect(answer).toMatchObject({ result: 'not-verified', outOfTime: true })
    expect(answer.reason).toMatch(/could not be read to its end: time ran out after 32\.0 MiB of 4\d\.\d MiB\.$/)
    expect(await kept()).toMatchObject({ result: 'not-verified', findings: [{ code: 'out-of-time' }] })
  })

  it('says nothing of time when the last byte was read in time', async () => {
    const { ports } = await scene()
    let asked = 0
    const remainingMilliseconds = () => (asked++ < 1 ? 61_000 : 0)
    const answer = await verifyDeepTask({ folder }, { ...ports, remainingMilliseconds })
    expect(answer).toEqual({ result: 'accepted', outOfTime: false, reason: '' })
  })

  it('does not send an archive to somebody with more time that is refused already', async () => {
    const { store, ports } = await scene()
    await store.remove(`${folder}${fileName}`)
    const answer = await verifyDeepTask({ folder }, { ...ports, remainingMilliseconds: () => 0 })
    expect(answer).toMatchObject({ result: 'refused', outOfTime: false, reason: expect.stringContaining('is gone') })
  })
})

describe('the history of readings', () => {
  const history = (store: MemoryStore) => [...store.objects.keys()].filter((key) => key.includes('/verdicts/')).sort()

  it('keeps a refusal that a later reading no longer shows, by the day of each', async () => {
    const { archive, store, ports, put, nextDay, kept } = await scene()
    put(Buffer.concat([archive.subarray(0, 100), Buffer.from('damaged'), archive.subarray(107)]))
    expect((await verifyDeep(folder, ports)).result).toBe('refused')
    nextDay()
    put(archive)
    expect((await verifyDeep(folder, ports)).result).toBe('accepted')
    expect((await kept()).result).toBe('accepted')
    const verdicts = 'verdicts/hq/vm-100/2026-11-22T02-00-00Z'
    expect(history(store)).toEqual([
      `verifications/2026/11/23/${verdicts}/2026-11-23T00-00-00.000Z.json`,
      `verifications/2026/11/24/${verdicts}/2026-11-24T00-00-00.000Z.json`,
    ])
    const [first = '', last = ''] = history(store)
    expect(JSON.parse((await store.readText(first))?.text ?? '')).toMatchObject({ result: 'refused', folder })
    expect(JSON.parse((await store.readText(last))?.text ?? '')).toMatchObject({
      result: 'accepted',
      guest: { kind: 'vm', id: '100', name: 'web1' },
      files: [{ fileName, sizeBytes: archive.length, manifestChecksum: `CRC32:${crc32ToBase64(crc32(archive))}` }],
    })
  })

  it('says in the verdict that the history lacks it, where the store refuses to keep it', async () => {
    const { store, ports, kept } = await scene()
    const write = store.writeText.bind(store)
    store.writeText = async (key, ...rest) => {
      if (key.startsWith('verifications/')) throw new StoreDenied('no')
      return write(key, ...rest)
    }
    expect((await verifyDeep(folder, ports)).result).toBe('accepted')
    expect((await kept()).notes.join(' ')).toContain('The history of verifications lacks this reading')
  })

  it('keeps nothing of an archive that has no manifest', async () => {
    const { store, ports } = await scene()
    await store.remove(`${folder}manifest.json`)
    await verifyDeep(folder, ports)
    expect(history(store)).toEqual([])
  })
})
