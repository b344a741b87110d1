/** The table that `npm run faults` prints, each fault a test. */
import { afterAll, describe, it } from 'vitest'
import { BedPool } from './bed-pool.ts'
import { runFault } from './run-fault.ts'
import { faultTable } from './table.ts'

const pool = new BedPool()
afterAll(() => pool.close())

const waitingFirst = faultTable.toSorted((one, other) => Number(other.long ?? false) - Number(one.long ?? false))

describe.concurrent('whatever goes wrong, nothing is lost and nothing is left over', () => {
  it.for(waitingFirst.map((fault) => [`${fault.name} (${fault.route})`, fault] as const))(
    'when %s',
    { timeout: 600_000 },
    async ([, fault], { expect }) => {
      const finding = await pool.use(fault.bed ?? 'small', (bed) => runFault(fault, bed))
      expect(finding.complaints).toEqual([])
      expect(finding.bytesLost).toBe(0)
    },
  )
})
