import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { backupPolicy, ec2SetUp, restorePolicy } from '../../../../functions/providers/ec2/set-up.ts'
import { ec2Bed, WEB } from './bed.ts'
import { backupOptionsSchema } from '../../../../functions/contracts/backup-options.ts'
import { evaluate } from '../../../../local/iam/evaluate.ts'
import { readPolicy } from '../../../../local/iam/policy.ts'

describe('the rights that a role of another account gets', () => {
  it('are printed as the docs have them', async () => {
    const page = await readFile(new URL('../../../../docs/ec2.md', import.meta.url), 'utf8')
    expect(page).toContain(JSON.stringify(backupPolicy('aws'), null, 1))
    const commands = ec2SetUp.roleCommands('guestlift-backup', 'aws', '111122223333', 'a-word').join('\n')
    expect(commands).toContain(JSON.stringify(backupPolicy('aws')))
    expect(commands).toContain('"sts:ExternalId":"a-word"')
    expect(page).toContain(JSON.stringify(restorePolicy('aws'), null, 1))
    const restoring = ec2SetUp.restoreRoleCommands('guestlift-restore', 'aws', '111122223333').join('\n')
    expect(restoring).toContain(JSON.stringify(restorePolicy('aws')))
  })

  it('are enough for a whole backup, and for nothing of another site', async () => {
    const identity = readPolicy(JSON.parse(JSON.stringify(backupPolicy('aws'))), 'identity')
    const refused: string[] = []
    const bed = await ec2Bed({
      authorize: ({ principal, action, resource, context }) => {
        if (action.startsWith('sts:')) return true
        const lowerCased = Object.fromEntries(
          Object.entries(context).map(([key, values]) => [key.toLowerCase(), values]),
        )
        const caller = { arn: principal, kind: 'AWS' as const, names: [principal], account: ['111122223333'] }
        const request = { principal: caller, action, resource, context: lowerCased }
        const { allowed } = evaluate(request, { identity, resource: [] })
        if (!allowed) refused.push(`${action} ${resource}`)
        return allowed
      },
    })
    try {
      const { provider, lab } = bed
      const [guest] = await provider.findGuests([WEB])
      if (guest === undefined) throw new Error('the instance is not there')
      expect(await provider.missingPrivileges({ guestIds: [WEB], storage: '', deleteSource: false })).toEqual([])
      const { jobRef } = await provider.start(guest, backupOptionsSchema.parse({}), '0f1e2d3c4b5a6978')
      await provider.gather(jobRef, guest, '')
      await provider.release({ guest, jobRef, sources: [] }, false)
      expect([refused, lab.control.snapshots()]).toEqual([[], []])
    } finally {
      await bed.close()
    }
  })
})
