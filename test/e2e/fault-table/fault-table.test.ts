/** The table that `npm run faults` prints, each fault a test. */
import { afterAll, describe, it } from 'vitest'
import { openBeds } from './beds.ts'
import type { Fault } from './fault.ts'
import { faultTable as all } from './table.ts'
import { tryFault } from './try-fault.ts'

// Instances have a bed and a file of their own.
const faultTable = all.filter(({ scenario }) => scenario !== 'instance')
const beds = openBeds({ large: 1 })
afterAll(() => beds.close())

/** After each two others one of a bed that there is one of, so that they seldom wait for one another. */
function takingTurns(faults: readonly Fault[]): Fault[] {
  const large = faults.filter((fault) => fault.scenario === 'backup' && fault.bed === 'large')
  const restores = faults.filter(({ scenario }) => scenario === 'restore')
  const others = faults.filter((fault) => !large.includes(fault) && !restores.includes(fault))
  const turn = (at: number): Fault[] => (at % 2 === 1 ? [...large.splice(0, 1), ...restores.splice(0, 1)] : [])
  return [...others.flatMap((one, at) => [one, ...turn(at)]), ...large, ...restores]
}
const waitingFirst = [
  ...takingTurns(faultTable.filter(({ long }) => long === true)),
  ...takingTurns(faultTable.filter(({ long }) => long !== true)),
]

describe.concurrent('whatever goes wrong, nothing is lost and nothing is left over', () => {
  it.for(waitingFirst.map((fault) => [`${fault.name} (${fault.route})`, fault] as const))(
    'when %s',
    // The wait for a bed counts too.
    { timeout: 1_200_000 },
    async ([, fault], { expect }) => {
      const finding = await tryFault(fault, beds)
      expect(finding.complaints).toEqual([])
      expect(finding.bytesLost).toBe(0)
    },
  )
})
