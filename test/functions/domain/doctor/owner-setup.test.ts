/** What the owner of an existing bucket is asked to set, and what the doctor finds of it. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { OwnerSettings } from '../../../../functions/domain/doctor/bucket-settings.ts'
import { type ExistingBucket, ownerFindings } from '../../../../functions/domain/doctor/judge-owner-setup.ts'
import { ownerCommands, ownerLifecycle, ownerPolicy } from '../../../../functions/domain/doctor/owner-setup.ts'

const setup = { bucket: 'archives', keyPrefix: 'vm/', abandonedUploadDays: 20, sendsAcl: false }
const foreign: ExistingBucket = {
  name: 'archives',
  keyPrefix: 'vm/',
  foreignOwner: '210987654321',
  sendsAcl: false,
  deployment: 'prod',
}
const own: ExistingBucket = { name: 'archives', keyPrefix: 'vm/', sendsAcl: false, deployment: 'prod' }
const rule = { id: 'theirs', prefix: '', isLimited: false, removes: false }
const prepared: OwnerSettings = {
  rules: { value: [{ ...rule, abandonedUploadDays: 20 }] },
  ownership: { value: 'BucketOwnerEnforced' },
  policy: { value: JSON.stringify(ownerPolicy(setup)) },
}
const verdicts = (settings: Partial<OwnerSettings>, bucket = own) =>
  ownerFindings({ ...prepared, ...settings }, bucket).map(({ check, verdict }) => `${check} ${verdict}`)
const said = (settings: Partial<OwnerSettings>, bucket = own) =>
  ownerFindings({ ...prepared, ...settings }, bucket).map(({ message }) => message)

describe('the commands for the owner', () => {
  it('are read by a shell as they are meant, with JSON that is whole', () => {
    const folder = mkdtempSync(join(tmpdir(), 'guestlift-owner-'))
    try {
      // Stands in for the real one, and notes what it is given.
      const aws = 'aws() { printf "%s\\0" "$@" >> given; printf "\\n\\0" >> given; }'
      writeFileSync(join(folder, 'run.sh'), [aws, ...ownerCommands({ ...setup, guest: '123456789012' })].join('\n'))
      execFileSync('sh', ['-e', 'run.sh'], { cwd: folder })
      const calls = readFileSync(join(folder, 'given'), 'utf8')
        .split('\n\0')
        .map((call) => call.split('\0').filter((word) => word !== ''))
        .filter((call) => call.length > 0)
      expect(calls.map(([, name, , bucket]) => `${name} ${bucket}`)).toEqual([
        'get-bucket-lifecycle-configuration archives',
        'get-bucket-policy archives',
        'put-bucket-versioning archives',
        'put-bucket-lifecycle-configuration archives',
        'put-bucket-policy archives',
        'put-bucket-ownership-controls archives',
      ])
      expect(JSON.parse(calls[3]?.[5] ?? '')).toEqual(ownerLifecycle(setup))
      expect(ownerLifecycle(setup).Rules[0]).toMatchObject({
        Filter: { Prefix: 'vm/' },
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 20 },
      })
      expect(JSON.parse(calls[4]?.[5] ?? '')).toEqual(ownerPolicy({ ...setup, guest: '123456789012' }))
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  it('let nobody in where the bucket is of the same account, and leave its ownership alone', () => {
    const text = ownerCommands(setup).join('\n')
    expect(text).not.toContain('"Allow"')
    expect(text).not.toContain('ownership')
    expect(text).toContain('"WriteArchivesOnlyOnCondition"')
  })

  it('leave ACLs on where objects are sent with one', () => {
    const text = ownerCommands({ ...setup, guest: '123456789012', sendsAcl: true }).join('\n')
    expect(text).toContain('"s3:PutObjectAcl"')
    expect(text).not.toContain('put-bucket-ownership-controls')
  })
})

describe('the doctor of an existing bucket', () => {
  it('finds nothing wrong where the owner did as asked', () => {
    expect(verdicts({})).toEqual(['rules passed', 'policy passed'])
    expect(verdicts({}, foreign)).toEqual(['rules passed', 'ownership passed', 'policy passed'])
  })

  it('fails for a rule that removes archives, on whichever keys it is', () => {
    for (const prefix of ['', 'vm/', 'vm/archives/hq/'])
      expect(verdicts({ rules: { value: [{ ...rule, prefix, removes: true }] } })).toContain('rules failed')
    const elsewhere = { ...rule, prefix: 'logs/', removes: true }
    expect(verdicts({ rules: { value: [elsewhere, { ...rule, abandonedUploadDays: 20 }] } })).toContain('rules passed')
  })

  it('warns of uploads that nothing ends, or that end before a guest is repeated', () => {
    expect(said({ rules: { value: [] } })[0]).toBe(
      'No rule ends uploads that nobody completes below vm/archives/, and their parts cost as much as archives. For the commands: guestlift doctor --deployment prod --for-owner.',
    )
    const limited = { ...rule, isLimited: true, abandonedUploadDays: 20 }
    const narrow = { ...rule, prefix: 'vm/archives/hq/', abandonedUploadDays: 20 }
    expect(verdicts({ rules: { value: [limited, narrow] } })).toContain('rules warning')
    expect(said({ rules: { value: [{ ...rule, abandonedUploadDays: 1 }] } })[0]).toMatch(
      /^A rule drops parts of uploads after 1 days, and a failed guest can be repeated for \d+: it would be sent again\./,
    )
  })

  it("fails where another account's owner could not read what is written, unless an ACL is sent", () => {
    for (const value of ['ObjectWriter', 'BucketOwnerPreferred', 'none']) {
      expect(verdicts({ ownership: { value } }, foreign)).toContain('ownership failed')
      expect(verdicts({ ownership: { value } }, { ...foreign, sendsAcl: true })).toContain('ownership passed')
      expect(verdicts({ ownership: { value } }).join()).not.toContain('ownership')
    }
  })

  it('warns of a policy that lets archives be overwritten, and knows none that only the owner may read', () => {
    for (const value of [undefined, '{', '{"Statement":[]}', JSON.stringify(ownerPolicy({ ...setup, keyPrefix: '' }))])
      expect([value, verdicts({ policy: { value } })]).toEqual([value, expect.arrayContaining(['policy warning'])])
    expect(said({ policy: { unknown: 'No.' } }, foreign).at(-1)).toMatch(/^Only the owner can read the policy\./)
    expect(said({ policy: { unknown: 'No.' } }).at(-1)).toMatch(/^No\. For the commands/)
  })

  it('says of what it may not read that nobody knows', () => {
    const hidden = { rules: { unknown: 'No.' }, ownership: { unknown: 'No.' } }
    expect(verdicts(hidden, foreign)).toEqual(['rules unchecked', 'ownership unchecked', 'policy passed'])
  })
})
