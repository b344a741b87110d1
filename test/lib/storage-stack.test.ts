import { Match } from 'aws-cdk-lib/assertions'
import { describe, expect, it } from 'vitest'
import { sorted } from './sorted.ts'
import { synthesise } from './synthesise.ts'

describe('the storage stack', () => {
  it('keeps the bucket and what guards it when the stack goes, and neither when making them failed', async () => {
    const { storage } = await synthesise('smallest')
    const kept = { DeletionPolicy: 'RetainExceptOnCreate', UpdateReplacePolicy: 'Retain' }
    for (const type of ['AWS::S3::Bucket', 'AWS::S3::BucketPolicy'])
      expect(() => storage.hasResource(type, kept)).not.toThrow()
  })

  it('encrypts, versions and shuts the bucket', async () => {
    const { storage } = await synthesise('smallest')
    expect(() =>
      storage.hasResourceProperties('AWS::S3::Bucket', {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }],
        },
        VersioningConfiguration: { Status: 'Enabled' },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
        ObjectLockEnabled: Match.absent(),
      }),
    ).not.toThrow()
  })

  it('refuses plain HTTP and old TLS', async () => {
    const { storage } = await synthesise('smallest')
    for (const Condition of [
      { Bool: { 'aws:SecureTransport': 'false' } },
      { NumericLessThan: { 's3:TlsVersion': 1.2 } },
    ]) {
      expect(() =>
        storage.hasResourceProperties('AWS::S3::BucketPolicy', {
          PolicyDocument: {
            Statement: Match.arrayWith([Match.objectLike({ Effect: 'Deny', Action: 's3:*', Condition })]),
          },
        }),
      ).not.toThrow()
    }
  })

  it('drops abandoned uploads only after guests can no longer be repeated, and old versions of bookkeeping alone', async () => {
    const { storage } = await synthesise('keptForRepeats')
    const [bucket] = Object.values(storage.findResources('AWS::S3::Bucket'))
    const rules: Record<string, unknown>[] = bucket?.['Properties'].LifecycleConfiguration.Rules
    const abandoned = rules.filter((rule) => 'AbortIncompleteMultipartUpload' in rule)
    expect(abandoned).toMatchObject([
      { AbortIncompleteMultipartUpload: { DaysAfterInitiation: 20 }, Status: 'Enabled' },
    ])
    const expiring = rules.filter((rule) => 'NoncurrentVersionExpiration' in rule).map((rule) => String(rule['Prefix']))
    expect(sorted(expiring)).toEqual(
      [
        'RESTORE.md',
        'catalogue/',
        'claims/',
        'configurations/',
        'coverage/',
        'drills/',
        'dumps/',
        'prunings/',
        'restore.sh',
        'restores/',
        'retention/',
        'runs/',
        'schedules/',
        'sessions/',
        'sites/',
        'streams/',
        'sweeps/',
        'unpacked/',
        'uploads/',
        'verifications/',
      ].map((key) => `backups/${key}`),
    )
    expect(JSON.stringify(rules)).not.toContain('archives/')
    expect(rules.some((rule) => 'ExpirationInDays' in rule || 'Expiration' in rule)).toBe(false)
  })

  it.each([
    ['lockedForGovernance', 'GOVERNANCE'],
    ['lockedForCompliance', 'COMPLIANCE'],
  ] as const)('locks objects when asked to: %s', async (deployment, Mode) => {
    const { storage } = await synthesise(deployment)
    expect(() =>
      storage.hasResourceProperties('AWS::S3::Bucket', {
        BucketName: 'my-archives',
        ObjectLockEnabled: true,
        ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode, Days: 30 } } },
      }),
    ).not.toThrow()
  })

  it('exports the bucket’s name to the export stack, which so protects it', async () => {
    const { storage, exports } = await synthesise('smallest')
    expect(() =>
      storage.hasOutput('ArchiveBucketName', { Export: { Name: 'guestlift-test-archive-bucket' } }),
    ).not.toThrow()
    expect(JSON.stringify(exports.toJSON())).toContain('{"Fn::ImportValue":"guestlift-test-archive-bucket"}')
  })
})
