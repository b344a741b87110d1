/** Those faults of the table that strike the backup of an instance, each a test. One bed serves them all, in turn. */
import { afterAll, describe, it } from 'vitest'
import { openBeds } from './beds.ts'
import { faultTable } from './table.ts'
import { tryFault } from './try-fault.ts'

const beds = openBeds()
afterAll(() => beds.close())

describe('whatever goes wrong with an instance of EC2, nothing is lost and nothing is left over', () => {
  const played = faultTable.filter((fault) => fault.scenario === 'instance' && fault.byCommandAlone !== true)
  it.for(played.map((fault) => [fault.name, fault] as const))('when %s', async ([, fault], { expect }) => {
    const finding = await tryFault(fault, beds)
    expect(finding.complaints).toEqual([])
    expect(finding.bytesLost).toBe(0)
  })
})
