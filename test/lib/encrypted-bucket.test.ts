/** A bucket that is encrypted with a KMS key, and who may use the key. */
import { describe, expect, it } from 'vitest'
import type { Role } from '../../local/iam/session.ts'
import { DeploymentConfigError, parseDeployment } from '../../lib/deployment-config.ts'
import { deployments } from './deployments.ts'
import { synthesise } from './synthesise.ts'

const {
  kmsKey: { arn },
  formerKmsKeys: [former],
} = deployments.encryptedBySomebodysKey.bucket

/** On which keys a role may do this, and whether it reads or writes objects of the archive bucket. */
function rightsOf({ identity }: Role) {
  const resourcesOf = (action: string) =>
    identity.filter(({ actions }) => actions?.includes(action)).flatMap(({ resources }) => resources ?? [])
  const inBucket = (action: string) => resourcesOf(action).some((each) => each.startsWith('arn:aws:s3:::archives/'))
  return {
    decrypts: new Set(resourcesOf('kms:Decrypt')),
    encrypts: new Set(resourcesOf('kms:GenerateDataKey')),
    reads: ['s3:GetObject', 's3:GetObjectVersion', 's3:ListMultipartUploadParts'].some(inBucket),
    writes: inBucket('s3:PutObject'),
    thaws: inBucket('s3:RestoreObject'),
  }
}

describe('a bucket with a key that is made for it', () => {
  it('is the bucket that it was before, and the key stays with it', async () => {
    const { storage } = await synthesise('encrypted')
    const [bucketId] = Object.keys((await synthesise('smallest')).storage.findResources('AWS::S3::Bucket'))
    const [keyId = '', ...further] = Object.keys(storage.findResources('AWS::KMS::Key'))
    expect(further).toEqual([])
    expect(storage.findResources('AWS::S3::Bucket')[bucketId ?? '']?.['Properties'].BucketEncryption).toEqual({
      ServerSideEncryptionConfiguration: [
        {
          BucketKeyEnabled: true,
          ServerSideEncryptionByDefault: {
            SSEAlgorithm: 'aws:kms',
            KMSMasterKeyID: { 'Fn::GetAtt': [keyId, 'Arn'] },
          },
        },
      ],
    })
    expect(storage.findResources('AWS::KMS::Key')[keyId]).toMatchObject({
      Properties: { EnableKeyRotation: true },
      DeletionPolicy: 'RetainExceptOnCreate',
      UpdateReplacePolicy: 'Retain',
    })
  })

  it('has it used by whoever reads or writes, through S3 alone', async () => {
    const { exports, assembly } = await synthesise('encrypted')
    expect(JSON.stringify(exports.toJSON())).toContain('{"Fn::ImportValue":"guestlift-example-archive-key"}')
    const withKey = Object.values(assembly.roles.functions).flatMap(({ identity }) =>
      identity.filter(({ actions }) => actions?.some((action) => action.startsWith('kms:'))),
    )
    expect(withKey.length).toBeGreaterThan(20)
    for (const { conditions } of withKey) expect(conditions).toEqual({ StringLike: { 'kms:ViaService': ['s3.*'] } })
  })
})

describe('a bucket that had a key before', () => {
  it('lets what reads archives go on to decrypt with it, and has nothing encrypted with it', async () => {
    const { functions } = (await synthesise('encryptedBefore')).assembly.roles
    const rights = Object.values<Role>(functions).map(rightsOf)
    const readers = rights.filter(({ reads }) => reads)
    expect(readers.length).toBeGreaterThan(20)
    for (const { decrypts } of readers) expect(decrypts).toEqual(new Set([former]))
    for (const { encrypts } of rights) expect(encrypts).toEqual(new Set())
  })
})

describe("a bucket with somebody else's key", () => {
  it('is encrypted with it, and no key is made', async () => {
    const { storage } = await synthesise('encryptedBySomebodysKey')
    expect(storage.findResources('AWS::KMS::Key')).toEqual({})
    expect(JSON.stringify(storage.findResources('AWS::S3::Bucket'))).toContain(`"KMSMasterKeyID":"${arn}"`)
  })

  it('gives each role the use of the key that its work on objects needs, and no other role any', async () => {
    const { functions, machines, builds } = (await synthesise('encryptedBySomebodysKey')).assembly.roles
    const roles = [functions, machines, builds].flatMap((each) => Object.values<Role>(each))
    expect(roles.length).toBeGreaterThan(40)
    for (const role of roles) {
      const { decrypts, encrypts, reads, writes, thaws } = rightsOf(role)
      expect([role.name, encrypts]).toEqual([role.name, new Set(writes || thaws ? [arn] : [])])
      expect([role.name, decrypts]).toEqual([role.name, new Set(reads || writes || thaws ? [arn, former] : [])])
    }
  })

  it('is refused where the key is in another region, since S3 would refuse it', () => {
    const config = { ...deployments.encryptedBySomebodysKey, region: 'eu-west-1' }
    expect(() => parseDeployment(config, 'the test')).toThrow(DeploymentConfigError)
    expect(() => parseDeployment(config, 'the test')).toThrow(
      "S3 takes only keys of the bucket's region: it is in eu-central-1, and the deployment in eu-west-1",
    )
  })
})
