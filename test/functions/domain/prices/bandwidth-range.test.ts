import { describe, expect, it } from 'vitest'
import { runLimitsSchema } from '../../../../functions/contracts/limits.ts'
import { bandwidthRange, unlimited } from '../../../../functions/domain/prices/bandwidth-range.ts'

const MIB = 2 ** 20
const limits = (limit: object) => runLimitsSchema.parse(limit)
const night = { from: '22:00', to: '06:00' }

describe('the bandwidth that limits let through', () => {
  it('has no end without limits', () => {
    expect(bandwidthRange([])).toEqual(unlimited)
    expect(bandwidthRange([limits({})])).toEqual(unlimited)
  })

  it('spans the windows, and what closes one is no rate', () => {
    const windows = [
      { ...night, mibPerSecond: 80 },
      { from: '08:00', to: '12:00', mibPerSecond: 0 },
    ]
    expect(bandwidthRange([limits({ mibPerSecond: 10, windows })])).toEqual({ lowest: 10 * MIB, highest: 80 * MIB })
  })

  it('is the tightest of all limits', () => {
    const both = [limits({ mibPerSecond: 50 }), limits({ windows: [{ ...night, mibPerSecond: 5 }] })]
    expect(bandwidthRange(both)).toEqual({ lowest: 5 * MIB, highest: 50 * MIB })
  })
})
