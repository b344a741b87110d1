/** What a deployment does in its first weeks, with the rights that its roles have on AWS: none too few, none without a reason. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openBench, play, type Played } from '../iam/play.ts'
import { type Findings, findRights, readReasons } from '../iam/rights.ts'
import type { Site } from './harness.ts'

let site: Site
let played: Played[]
let findings: Findings

beforeAll(async () => {
  site = await openBench()
  played = await play(site, () => undefined)
  findings = findRights(site.roles, site.judgements, readReasons())
}, 1_200_000)
afterAll(() => site.close())

describe('the roles of a deployment', () => {
  it('let it do all of its work', () => {
    expect(played.filter(({ trouble }) => trouble !== undefined)).toEqual([])
    expect(findings.refused).toEqual([])
    // Every function, workflow and build was asked about.
    expect(findings.calls).toBeGreaterThan(500)
    const asked = new Set(site.judgements.map(({ role }) => role))
    expect(site.roles.map(({ name }) => name).filter((name) => !asked.has(name))).toEqual([])
  })

  it('hold nothing that none of it used, unless test/iam/unused.json says why', () => {
    expect(findings.unused.filter(({ reason }) => reason === undefined)).toEqual([])
  })

  it('are spared reasons for rights that are gone or in use', () => {
    expect(findings.stale).toEqual([])
  })
})

describe('a deployment that grants too little', () => {
  it('fails here as it would on AWS, and the refused right is named', async () => {
    const poorer = await openBench({ functions: { withoutRights: { 'sweep-uploads': 's3:PutObject' } } })
    try {
      const [sweep] = await play(poorer, () => undefined, 'the sweep')
      expect(sweep?.trouble).toBe('ended as undefined, not as succeeded')
      const { refused } = findRights(poorer.roles, poorer.judgements, [])
      expect(refused).toEqual([expect.stringMatching(/^sweep-uploads s3:PutObject arn:aws:s3:::archives\/sweeps\//)])
    } finally {
      await poorer.close()
    }
  }, 600_000)
})
