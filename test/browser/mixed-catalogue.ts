import type { Guest } from '../../functions/contracts/nouns.ts'
import { verificationSchema } from '../../functions/contracts/verification.ts'
import { archiveFolder, manifestKey } from '../../functions/domain/books/object-keys.ts'
import { noteRehearsal } from '../../functions/operations/books/rehearsals.ts'
import { writeCatalogue } from '../../functions/operations/catalogue/write-catalogue.ts'
import { evidenceOf } from '../fakes/drill-evidence.ts'
import { manifestOf } from '../fakes/manifest.ts'
import { fakePorts } from '../fakes/ports.ts'

const DAY = 86_400_000
const SIZES = [1_000_000, 1_100_000, 1_050_000, 1_300_000, 400_000]

const keyed = ({ kind, id, name }: Guest) => ({ kind, id, name })

interface Its {
  notes?: string
  warnings?: number
  broken?: 'incomplete' | 'unreadable' | 'damaged'
  verified?: 'accepted' | 'refused'
}

/** The page of site hq as Write catalogue leaves it, over guests in every state that there is. */
export async function mixedCataloguePage(): Promise<string> {
  const ports = fakePorts()
  const { store, clock } = ports
  const put = async (guest: Guest, daysAgo: number, its: Its = {}): Promise<void> => {
    const createdAt = new Date(clock.now.getTime() - daysAgo * DAY).toISOString()
    const folder = archiveFolder('', 'hq', guest, createdAt)
    const bytes = SIZES[(daysAgo + Number(guest.id)) % SIZES.length] ?? 1
    const manifest = manifestOf(createdAt, [bytes], guest)
    const artifacts = manifest.artifacts.map((artifact) => ({ ...artifact, key: `${folder}file`, fileName: 'file' }))
    const warnings = Array.from({ length: its.warnings ?? 0 }, (_, at) => `warning ${at}`)
    const evidence = { ...manifest.evidence, notes: its.notes ?? '', warnings }
    await store.writeText(`${folder}file`, 'x'.repeat(its.broken === 'damaged' ? 10 : bytes))
    if (its.broken === 'unreadable') await store.writeText(manifestKey(folder), '{"version":')
    else if (its.broken !== 'incomplete')
      await store.writeText(manifestKey(folder), JSON.stringify({ ...manifest, artifacts, evidence }))
    if (its.verified === undefined) return
    const verification = verificationSchema.parse({
      version: 1,
      verifiedAt: new Date(clock.now.getTime() - (daysAgo - 0.5) * DAY).toISOString(),
      tool: 'guestlift/0.1.0',
      result: its.verified,
      findings: its.verified === 'refused' ? [{ code: 'cut', message: 'It ends early, at byte 4096.' }] : [],
      notes: [],
      evidence: [],
    })
    await store.writeText(`${folder}verification.json`, JSON.stringify(verification))
  }

  const web: Guest = { id: '100', kind: 'vm', name: 'web01', node: 'pve1' }
  for (let day = 1; day <= 30; day += 1) await put(web, day, day % 7 === 0 ? { verified: 'accepted' } : {})
  const db: Guest = { id: '101', kind: 'container', name: 'db01', node: 'pve1' }
  for (let day = 1; day <= 14; day += 1)
    await put(db, day, day === 1 ? { broken: 'damaged' } : day % 3 === 0 ? { warnings: 2 } : {})
  const mail: Guest = { id: '102', kind: 'vm', name: 'mail-with-a-rather-long-name.internal.example.com', node: 'pve2' }
  for (const day of [2, 9, 16, 23])
    await put(mail, day, { notes: 'before the upgrade', ...(day === 2 && { verified: 'refused' }) })
  const cache: Guest = {
    id: '103',
    kind: 'container',
    name: 'cache',
    node: 'pve2',
  }
  await put(cache, 3, { broken: 'incomplete' })
  await put(cache, 5, { broken: 'unreadable' })
  const quiet: Guest = { id: '7000', kind: 'vm', name: 'Büro-Archiv <alt>', node: 'pve3' }
  await put(quiet, 29)
  const rehearse = (guest: Guest, daysAgo: number, passed: boolean) => {
    const endedAt = new Date(clock.now.getTime() - daysAgo * DAY).toISOString()
    const evidence = evidenceOf(`drill-${guest.id}-${daysAgo}`, { passed, guest: { ...keyed(guest) }, endedAt })
    return noteRehearsal(evidence, `drills/2026/11/20/${evidence.restoreId}.json`, ports)
  }
  await rehearse(web, 12, true)
  await rehearse(db, 3, false)
  await rehearse(mail, 40, true)
  await rehearse(mail, 2, false)
  await writeCatalogue({ site: 'hq' }, ports)
  return (await store.readText('catalogue/hq/index.html'))?.text ?? ''
}
