/** The index of a container's files, as a verification writes it beside the archive. */
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { StoreDenied } from '../../../../functions/contracts/errors.ts'
import { manifestKey } from '../../../../functions/domain/books/object-keys.ts'
import { ContentIndexWriter, readDirectory, readMembers } from '../../../../functions/operations/books/content-index.ts'
import { verifyDeep } from '../../../../functions/operations/verification/verify-deep.ts'
import { labArchive, putLabArchive } from '../../../fakes/lab-archives.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

async function scene(kind: 'vm' | 'container' = 'container') {
  const store = new MemoryStore()
  const archive = await labArchive(kind, 'none')
  await putLabArchive(store, archive)
  const { folder, fileName } = archive
  const ports = {
    store,
    keyPrefix: '',
    toolVersion: 'guestlift/test',
    now: () => new Date('2026-11-24T00:00:00.000Z'),
    remainingMilliseconds: () => Number.POSITIVE_INFINITY,
  }
  const indexKey = `${folder}${fileName}.index.zst`
  const index = () => store.objects.get(indexKey)
  return { store, ports, folder, archive, indexKey, index, verify: () => verifyDeep(folder, ports) }
}

const bytesOf = (body: Buffer) => ({
  sizeBytes: body.length,
  read: async (firstByte: number, bytes: number) => body.subarray(firstByte, firstByte + bytes),
})

describe('a verification of a container’s archive', () => {
  it('writes where each member lies, with the sum over its content', async () => {
    const { verify, index, archive } = await scene()
    expect(await verify()).toMatchObject({ result: 'accepted' })
    const bytes = bytesOf(index()?.body ?? Buffer.alloc(0))
    const directory = await readDirectory(bytes)
    expect(directory).toMatchObject({ format: 'tar', compression: 'none', sizeBytes: archive.bytes.length })
    let members = 0
    for await (const { member } of readMembers(directory.blocks, bytes)) {
      members += 1
      const { contentAt, sizeBytes } = member
      const content = archive.bytes.subarray(contentAt, contentAt + sizeBytes)
      const sum = Buffer.from(member.crc32 ?? 'AAAAAA==', 'base64').readUInt32BE()
      expect(crc32(content)).toBe(sum)
    }
    expect(members).toBe(directory.members)
    expect(members).toBeGreaterThan(10)
  })

  it('writes the same index once, and another where the archive is another', async () => {
    const { verify, index, store, indexKey } = await scene()
    await verify()
    const first = index()
    await verify()
    expect(index()).toBe(first)
    await store.writeText(indexKey, 'damaged')
    await verify()
    expect(index()?.body.equals(first?.body ?? Buffer.alloc(0))).toBe(true)
  })

  it('writes none of a VM, and none of an archive that it refuses', async () => {
    const vm = await scene('vm')
    expect(await vm.verify()).toMatchObject({ result: 'accepted' })
    expect(vm.index()).toBeUndefined()
    const damaged = await scene()
    const key = `${damaged.folder}${damaged.archive.fileName}`
    const body = Buffer.from(damaged.archive.bytes)
    body[2_000] = (body[2_000] ?? 0) ^ 1
    damaged.store.objects.set(key, { body, etag: 'other' })
    expect(await damaged.verify()).toMatchObject({ result: 'refused' })
    expect(damaged.index()).toBeUndefined()
  })

  it('accepts the archive all the same where the index may not be written, and says so', async () => {
    const { verify, store, indexKey, index } = await scene()
    const write = store.writeText.bind(store)
    store.writeText = (key, ...rest) =>
      key === indexKey ? Promise.reject(new StoreDenied('it may not')) : write(key, ...rest)
    expect(await verify()).toMatchObject({
      result: 'accepted',
      notes: expect.arrayContaining([expect.stringMatching(/no new index of its members\. .* it may not\./)]),
    })
    expect(index()).toBeUndefined()
  })

  it('never replaces what the manifest names', async () => {
    const { verify, store, folder, indexKey, index } = await scene()
    const manifest = JSON.parse((await store.readText(manifestKey(folder)))?.text ?? '') as { sideFiles: string[] }
    await store.writeText(indexKey, 'the platform’s own')
    manifest.sideFiles.push(indexKey)
    await store.writeText(manifestKey(folder), JSON.stringify(manifest))
    expect(await verify()).toMatchObject({ result: 'accepted' })
    expect(index()?.body.toString()).toBe('the platform’s own')
  })

  it('takes its index back when the archive was removed while it was read', async () => {
    const { verify, store, folder, indexKey, index } = await scene()
    const write = store.writeText.bind(store)
    store.writeText = async (key, ...rest) => {
      const etag = await write(key, ...rest)
      if (key === indexKey) await store.remove(manifestKey(folder))
      return etag
    }
    expect(await verify()).toMatchObject({ result: 'not-verified', findings: [{ code: 'removed-meanwhile' }] })
    expect(index()).toBeUndefined()
  })
})

describe('an index', () => {
  const member = (at: number) => ({
    path: `srv/${String(at).padStart(6, '0')}`,
    type: '0',
    headAt: at * 1024,
    contentAt: at * 1024 + 512,
    sizeBytes: 5,
    mode: 0o644,
    ownerId: 0,
    groupId: 0,
    modifiedAt: 1_795_312_800,
    crc32: 'AAAAAA==',
  })
  const of = {
    format: 'tar',
    compression: 'none',
    fileName: 'a.tar',
    sizeBytes: 1,
    etag: 'e',
    crc32: 'AAAAAA==',
    contentBytes: 1,
  } as const

  it('of many members is read block by block, by the smallest and greatest path of each', async () => {
    const writer = new ContentIndexWriter()
    for (let at = 0; at < 20_000; at += 1) writer.add({ member: member(at), fileBytes: at })
    const body = writer.finish(of) ?? Buffer.alloc(0)
    const { blocks, members } = await readDirectory(bytesOf(body))
    expect(members).toBe(20_000)
    expect(blocks.length).toBeGreaterThan(4)
    const path = member(12_345).path
    const holding = blocks.filter(({ first, last }) => first <= path && path <= last)
    expect(holding).toHaveLength(1)
    const asked = { bytes: 0 }
    const read = async (firstByte: number, bytes: number) => {
      asked.bytes += bytes
      return body.subarray(firstByte, firstByte + bytes)
    }
    const paths: string[] = []
    for await (const found of readMembers(holding, { read })) paths.push(found.member.path)
    expect(paths).toContain(path)
    expect(asked.bytes).toBeLessThan(body.length / 4)
  })

  it('is none where there are more members than it has room for, or figures that it has no form for', () => {
    const small = new ContentIndexWriter(1_000)
    for (let at = 0; at < 20_000; at += 1) small.add({ member: member(at), fileBytes: at })
    expect(small.finish(of)).toBeUndefined()
    expect(small.whyNone).toMatch(/^It has more members than .* of index hold\.$/)
    const odd = new ContentIndexWriter()
    odd.add({ member: { ...member(1), ownerId: 1.5 }, fileBytes: 1 })
    expect(odd.finish(of)).toBeUndefined()
    expect(odd.whyNone).toMatch(/"srv\/000001" holds figures/)
  })
})
