import { describe, expect, it } from 'vitest'
import {
  collectionNameOf,
  formatJobRef,
  parseJobRef,
  parsePointName,
  pointNameOf,
  requireJobRef,
  resourceGroupOf,
} from '../../../../functions/providers/azure/identifiers.ts'
import { markOf, markTags } from '../../../../functions/providers/azure/tags.ts'
import { aJob as job } from './a-job.ts'

describe('the reference of a backup', () => {
  it('is read as it was written', () => {
    for (const one of [job, { ...job, off: true, freeze: 'snapshots' as const, skip: ['os', '0', '12'] }]) {
      expect(parseJobRef(formatJobRef(one))).toEqual(one)
    }
  })

  it('is refused when it is of another platform', () => {
    for (const text of ['', 'eu-central-1/i-0123456789abcdef0/0f1e', `${formatJobRef(job)}/a/b`, 'a/b/c/d/e/f']) {
      expect(parseJobRef(text)).toBeUndefined()
      expect(() => requireJobRef(text, 'az')).toThrow(/Site az: .* is no backup of Azure/)
    }
  })
})

describe('names of what is made', () => {
  it('fit into what Azure takes, and differ by installation', () => {
    const [one, other] = [
      { site: 'az', home: 'a/' },
      { site: 'az', home: 'b/' },
    ].map((owner) => collectionNameOf(job.guestId, owner))
    expect(one).toMatch(/^guestlift-22222222-2222-2222-2222-222222222222-[0-9a-f]{8}$/)
    expect(one).not.toBe(other)
  })

  it('tell token and kind of a restore point, and pass over those of others', () => {
    for (const kind of ['application', 'crash'] as const) {
      expect(parsePointName(pointNameOf(job.token, kind))).toEqual({ token: job.token, kind })
    }
    for (const name of ['gl-', 'gl-A', 'AzureBackup_1', 'gl-0f1e-crash-2']) expect(parsePointName(name)).toBeUndefined()
  })

  it('find the resource group in ids of any case', () => {
    expect(resourceGroupOf('/subscriptions/s/resourceGroups/RG-Prod/providers/x')).toBe('rg-prod')
    expect(resourceGroupOf('/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG-PROD/x')).toBe('rg-prod')
  })
})

describe('tags', () => {
  const owner = { site: 'az', home: 'archives/' }

  it('are read back, whatever case their names come in', () => {
    const tags = markTags(owner, job, 2)
    const upper = Object.fromEntries(Object.entries(tags).map(([name, value]) => [name.toUpperCase(), value]))
    for (const read of [markOf(tags, owner), markOf(upper, owner)]) {
      expect(read).toEqual({ guestId: job.guestId, job, disks: 2, home: 'archives/' })
    }
  })

  it('fit into what Azure takes', () => {
    for (const value of Object.values(markTags({ site: 'a'.repeat(63), home: 'h'.repeat(300) }, job, 64))) {
      expect(value.length).toBeLessThanOrEqual(256)
    }
  })

  it("make nothing ours that is another site's, another installation's, or without a mark", () => {
    const tags = markTags(owner, job)
    expect(markOf(tags, { site: 'other', home: 'archives/' })).toBeUndefined()
    expect(markOf(tags, { site: 'az', home: 'other/' })).toBeUndefined()
    expect(markOf({ backup: 'daily' }, owner)).toBeUndefined()
    // At the command line nothing is made or swept.
    expect(markOf(tags, { site: 'az' })?.guestId).toBe(job.guestId)
  })
})
