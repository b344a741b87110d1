/** A few fixed rounds; `npm run chaos` plays as many as wanted. A seed whose round failed once stays here. */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, it } from 'vitest'
import { synthesise } from '../../local/run/assembly.ts'
import { planRound } from './act.ts'
import { judgeRound } from './invariants.ts'
import { playRound } from './play.ts'

interface Seeds {
  short: number[]
  failedOnce: number[]
}
const { short, failedOnce } = JSON.parse(readFileSync(new URL('seeds.json', import.meta.url), 'utf8')) as Seeds

describe('a round in which much goes wrong', () => {
  beforeAll(async () => {
    await synthesise(() => undefined)
  })

  it.each([...short, ...failedOnce])(
    'breaks no promise: seed %i',
    async (seed) => {
      const plan = planRound(seed)
      const { record } = await playRound(plan, (one) => judgeRound(one).length > 0)
      expect({ plan, violations: judgeRound(record) }).toEqual({ plan, violations: [] })
    },
    1_200_000,
  )
})
