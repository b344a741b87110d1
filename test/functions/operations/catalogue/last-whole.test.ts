import { beforeEach, describe, expect, it } from 'vitest'
import type { Guest } from '../../../../functions/contracts/nouns.ts'
import {
  artifactKey,
  archiveFolder,
  manifestKey,
  verificationKey,
} from '../../../../functions/domain/books/object-keys.ts'
import { lastWholeAt } from '../../../../functions/operations/catalogue/last-whole.ts'
import { manifestOf } from '../../../fakes/manifest.ts'
import { type FakePorts, fakePorts, item } from '../../../fakes/ports.ts'

let ports: FakePorts
beforeEach(() => {
  ports = fakePorts()
})

/** @param bytes of its file as it lies there; `null`: it is gone */
async function keep(createdAt: string, bytes: string | null = 'vma', its: object = {}, guest: Guest = item.guest) {
  const folder = archiveFolder('', 'hq', guest, createdAt)
  const manifest = { ...manifestOf(createdAt, [3], guest), ...its }
  const fileName = manifest.artifacts[0]?.fileName ?? ''
  if (bytes !== null) await ports.store.writeText(artifactKey(folder, fileName), bytes)
  await ports.store.writeText(manifestKey(folder), JSON.stringify(manifest))
  return folder
}

describe('when the newest whole archive of a guest was made', () => {
  it('goes by the last whose files are all there, by a clock that can be trusted', async () => {
    await keep('2031-11-19T02:00:00.000Z', 'vma', { writtenAt: '2026-11-19T02:10:00.000Z' })
    await keep('2026-11-20T02:00:00.000Z')
    expect(await lastWholeAt('hq', item.guest, ports)).toBe('2026-11-20T02:00:00.000Z')
  })

  it('passes over one whose file is gone or cut, one without a manifest, and one that nobody can read', async () => {
    await keep('2026-11-20T02:00:00.000Z')
    await keep('2026-11-21T02:00:00.000Z', null)
    await keep('2026-11-22T02:00:00.000Z', 'v')
    await ports.store.writeText('archives/hq/vm-100/2026-11-23T02-00-00Z/half.vma.zst', 'x')
    await ports.store.writeText('archives/hq/vm-100/2026-11-24T02-00-00Z/manifest.json', '<html>')
    expect(await lastWholeAt('hq', item.guest, ports)).toBe('2026-11-20T02:00:00.000Z')
  })

  it('passes over one that was refused when it was read back', async () => {
    await keep('2026-11-20T02:00:00.000Z')
    const folder = await keep('2026-11-21T02:00:00.000Z')
    const verdict = { version: 1, folder, verifiedAt: '2026-11-22T02:00:00.000Z', tool: 't', result: 'refused' }
    await ports.store.writeText(
      verificationKey(folder),
      JSON.stringify({ ...verdict, findings: [], notes: [], evidence: [] }),
    )
    expect(await lastWholeAt('hq', item.guest, ports)).toBe('2026-11-20T02:00:00.000Z')
  })

  it('is never that of another guest that had the id', async () => {
    await keep('2026-11-20T02:00:00.000Z', 'vma', {}, { ...item.guest, identity: { id: 'smbios:1' } })
    expect(await lastWholeAt('hq', { ...item.guest, identity: { id: 'smbios:1' } }, ports)).not.toBeNull()
    expect(await lastWholeAt('hq', { ...item.guest, identity: { id: 'smbios:2' } }, ports)).toBeNull()
  })

  it('is null where there is none', async () => {
    expect(await lastWholeAt('hq', item.guest, ports)).toBeNull()
  })
})
