import { describe, expect, it } from 'vitest'
import { readTemplate, rightsOfRoles } from '../../../local/iam/rights.ts'
import { securityPage } from '../../../local/iam/security-page.ts'
import { synthesise } from '../../lib/synthesise.ts'

describe('the page about who may do what', () => {
  it('is what the example deployment synthesises to; npm run docs:security writes it', async () => {
    const { storage, exports } = await synthesise('example')
    const page = securityPage({ storage: storage.toJSON(), exports: exports.toJSON() })
    await expect(page).toMatchFileSnapshot('../../../docs/security.md')
  })

  it('names every role, every action and every resource that a policy names', async () => {
    const { storage, exports } = await synthesise('example')
    const page = securityPage({ storage: storage.toJSON(), exports: exports.toJSON() })
    const rights = [...rightsOfRoles(readTemplate(exports.toJSON())).values()].flat()
    expect(rights.length).toBeGreaterThan(200)
    const column = new Map([
      ['s3:GetObject', ''],
      ['s3:PutObject', ''],
      ['s3:DeleteObject', ''],
      ['lambda:InvokeFunction', ''],
    ])
    const untold = rights.filter(({ action, resource }) => {
      const told = resource.replace('archive-bucket/', '').replace(/^<Functions(.*)Function>$/, '$1')
      const actionTold =
        column.has(action) || /^logs:(CreateLogStream|PutLogEvents)$/.test(action) || page.includes(`\`${action}\``)
      const resourceTold =
        resource === '*' ||
        resource.endsWith('Log>') ||
        page.includes(`\`${told}\``) ||
        page.includes(`\`${resource}\``)
      return !actionTold || !resourceTold
    })
    expect(untold).toEqual([])
  })

  it('is refused for a policy of AWS’s making, whose content no template shows', () => {
    const role = {
      Type: 'AWS::IAM::Role',
      Properties: { ManagedPolicyArns: ['arn:aws:iam::aws:policy/AdministratorAccess'] },
    }
    expect(() => rightsOfRoles(readTemplate({ Resources: { Role: role } }))).toThrow(
      /AdministratorAccess.* of the role Role/,
    )
  })
})
