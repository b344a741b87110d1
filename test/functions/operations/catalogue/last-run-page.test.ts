import { beforeEach, describe, expect, it } from 'vitest'
import { readCatalogue } from '../../../../functions/operations/catalogue/read-catalogue.ts'
import { type LastWritten, lastRunPage, lastWritten } from '../../../../functions/operations/catalogue/last-run-page.ts'
import { cataloguePage } from '../../../../functions/catalogue-page/page.ts'
import { AuditedBucket } from '../../../fakes/audited-bucket.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'

let store: MemoryStore
let bucket: AuditedBucket
beforeEach(() => {
  store = new MemoryStore()
  bucket = new AuditedBucket(store)
})

async function last(): Promise<string | undefined> {
  let found: LastWritten | undefined
  for await (const { entries } of readCatalogue({}, { store, keyPrefix: '' })) found = lastWritten(found, entries)
  return lastRunPage(found, { store, keyPrefix: '' })
}

describe('the page of the last run', () => {
  it('is that of the run which wrote the newest archive, of whichever guest', async () => {
    await bucket.run('2026-07-02T02:00:00.000Z', [{ id: '100' }])
    await bucket.run('2026-07-03T02:00:00.000Z', [{ id: '101' }])
    await bucket.run('2026-07-01T02:00:00.000Z', [{ id: '102' }])
    expect(await last()).toBe('runs/2026/07/03/run-2026-07-03/report.html')
  })

  it('is none where nothing was archived, and where the folder of the run is gone', async () => {
    expect(await last()).toBeUndefined()
    const prefix = await bucket.run('2026-07-02T02:00:00.000Z', [{ id: '100' }])
    for (const key of await store.listKeys(prefix)) await store.remove(key)
    expect(await last()).toBeUndefined()
  })

  it('is linked by the catalogue page relative to where that lies, whatever the run is called', () => {
    const about = { bucket: 'b', keyPrefix: 'lab/', readAt: '2026-07-02T02:00:00.000Z', toolVersion: 't' }
    const pageWith = (runPageKey?: string) => [...cataloguePage({ ...about, runPageKey }, [], () => '')].join('')
    expect(pageWith('lab/runs/2026/07/02/a "b"/report.html')).toContain(
      '<a href="../../runs/2026/07/02/a%20%22b%22/report.html"><code>lab/runs/2026/07/02/a &quot;b&quot;/report.html</code></a>',
    )
    expect(pageWith()).not.toContain('Last run')
  })
})
