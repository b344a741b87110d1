/**
 * An execution of days goes on by the definition that it began with, while functions of today answer it. `definitions/`
 * holds what each release that changed them deployed; nobody changes such a file. See docs/decisions/0001.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { manifestSchema } from '../../functions/contracts/manifest.ts'
import { openSite, type Site } from './harness.ts'

const folder = fileURLToPath(new URL('definitions', import.meta.url))
const files = readdirSync(folder)

describe.each(files)('a run by the definition %s', (file) => {
  let site: Site
  beforeAll(async () => {
    // A test bench has a region of its own, and had another one then.
    const text = readFileSync(join(folder, file), 'utf8').replaceAll(':us-east-1:', ':local:')
    const definition: unknown = JSON.parse(text)
    site = await openSite({ functions: { definitions: { 'export-run': definition } } })
  })
  afterAll(() => site.close())

  const backup = { storage: 'local' }

  it('is brought to its end by the functions of today: archived, pruned, tallied, and told what failed', async () => {
    site.lab.control.lockGuest(103, 'suspended')
    const states = new Set<string>()
    const { result, report, guests } = await site.run(
      { site: 'hq', guests: { vmids: [100, 103] }, backup, deleteSource: true, retention: { 'keep-last': 3 } },
      { onState: (state) => states.add(state) },
    )
    expect(result).toMatchObject({ status: 'FAILED', error: 'RunPartlyFailed' })
    expect(report).toMatchObject({ outcome: 'partial' })
    expect(guests['103']?.outcome).not.toBe('succeeded')
    const { manifestKey = '', work } = guests['100'] ?? {}
    expect(guests['100']).toMatchObject({ outcome: 'succeeded', verdict: 'archived' })
    expect(manifestSchema.parse(JSON.parse(await site.text(manifestKey)))).toMatchObject({ guest: { id: '100' } })
    // Counted all the way: nothing that travels in state was lost or refused.
    expect(work).toMatchObject({ brokenCalls: 0, untimedCalls: 0, retention: true })
    expect([...states]).toEqual(
      expect.arrayContaining(['Authenticate', 'Apply retention', 'Release backup', 'Record failure', 'Report run']),
    )
  })
})
