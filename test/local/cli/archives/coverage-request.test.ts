import { describe, expect, it } from 'vitest'
import { coverageRequestOf } from '../../../../local/cli/archives/coverage-request.ts'

describe('the check of a deployment that a person asks for', () => {
  it('goes by the deployment’s own rules, and needs no site where there is one', async () => {
    expect(await coverageRequestOf('example', undefined)).toEqual({
      site: 'hq',
      rules: expect.objectContaining({ everyHours: 24, graceHours: 6 }),
      // The example's only schedule is switched off.
      schedules: [],
    })
  })

  it('names the sites there are when another is asked for', async () => {
    await expect(coverageRequestOf('example', 'branch')).rejects.toThrow(/no site branch: name one of hq/)
  })
})
