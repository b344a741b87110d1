import { describe, expect, it } from 'vitest'
import { alikeLines, isKnownTrouble, type Troubles } from '../../../../local/cli/run/told-troubles.ts'

const troubled = (id: string, trouble: string) => ({ guest: { kind: 'vm' as const, id }, result: { trouble } })

describe('trouble of guests that pass by', () => {
  it('is told of the first that has it, and counted of the others', () => {
    const troubles: Troubles = new Map()
    const known = ['100', '101', '102', '103', '104'].map((id) =>
      isKnownTrouble(troubled(id, `can't list s3://b/archives/hq/vm-${id}/: ECONNREFUSED`), troubles),
    )
    expect(known).toEqual([false, true, true, true, true])
    expect(isKnownTrouble(troubled('105', 'something else'), troubles)).toBe(false)
    expect(alikeLines(troubles)).toEqual(['As for vm 100: 4 more guests (vm 101, vm 102, vm 103 and 1 more).'])
  })
})
