/** The table that `npm run faults` prints, each fault a test. */
import { afterAll, describe, it } from 'vitest'
import { BedPool } from './bed-pool.ts'
import type { Fault } from './fault.ts'
import { runFault } from './run-fault.ts'
import { faultTable } from './table.ts'

// A bed costs what some faults take together: its functions' processes start anew.
const pool = new BedPool({ large: 1 })
afterAll(() => pool.close())

/** After each two others one that needs the large bed, so that they seldom wait for one another. */
function takingTurns(faults: readonly Fault[]): Fault[] {
  const large = faults.filter(({ bed }) => bed === 'large')
  const others = faults.filter(({ bed }) => bed !== 'large')
  return [...others.flatMap((one, at) => [one, ...(at % 2 === 1 ? large.splice(0, 1) : [])]), ...large]
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
      const finding = await pool.use(fault.bed ?? 'small', (bed) => runFault(fault, bed))
      expect(finding.complaints).toEqual([])
      expect(finding.bytesLost).toBe(0)
    },
  )
})
