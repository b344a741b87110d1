/** What functions that restore are given: read from a secret of its own, as a deployment has it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deliveryIn, withDelivery } from '../../../../functions/runtime/compose/delivery.ts'
import { withProvider, withRestorer } from '../../../../functions/runtime/compose/provider.ts'
import type { Invocation } from '../../../../functions/runtime/define-handler.ts'
import { guardOf } from '../../../../local/iam/guard.ts'
import { readPolicy } from '../../../../local/iam/policy.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import { type SecretsEndpoint, startSecretsEndpoint } from '../../../../local/run/secrets-endpoint.ts'
import { siteSecretsOf } from '../../../../local/run/site-secrets.ts'

const PREFIX = 'guestlift/site/'
const login = { host: '{node}.example.com', username: 'restore-write', password: 'x' }
const delivery = { type: 'pull', ...login }

describe('a function that restores', () => {
  let directory: string
  let lab: Lab
  let secrets: SecretsEndpoint
  const closers: (() => Promise<void>)[] = []
  const invocation: Invocation = {
    task: 'StartBackup',
    remainingMilliseconds: () => 900_000,
    billedMilliseconds: () => 0,
    onEnd: (close) => closers.push(close),
  }

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'guestlift-restorer-'))
    lab = await startLab({ directory, guestBytes: 1024, unauthorizedDelaySeconds: 0 })
    const auth = { tokenId: 'backup@pve!guestlift', secret: '00000000-0000-0000-0000-000000000000' }
    const site = { ...lab.site(), name: 'hq', auth, restore: { auth: lab.restoreToken, delivery } }
    const none = { ...lab.site(), name: 'branch' }
    secrets = await startSecretsEndpoint(
      siteSecretsOf(PREFIX, { hq: JSON.stringify(site), branch: JSON.stringify(none) }),
    )
    const secret = `arn:aws:secretsmanager:local:000000000000:secret:${PREFIX}`
    const Statement = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: [`${secret}*`] }
    const identity = readPolicy({ Statement }, 'identity')
    const guard = guardOf({ name: 'restore', arn: 'arn:aws:iam::000000000000:role/restore', identity, resource: [] })
    Object.assign(process.env, {
      ARCHIVE_BUCKET: 'archives',
      SITE_SECRET_PREFIX: PREFIX,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: 'any',
      AWS_SECRET_ACCESS_KEY: 'thing',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: secrets.urlFor(guard),
    })
  })
  afterAll(async () => {
    for (const close of closers) await close()
    await secrets.close()
    await lab.close()
    rmSync(directory, { recursive: true })
  })

  it('logs in with the account for restores, which a function that backs up never sees', async () => {
    const restorer = await withRestorer(invocation).provider('hq')
    expect(await restorer.identify()).toMatchObject({ version: '9.2.11' })
    // The account for backups has another token in this site, which is wrong.
    const provider = await withProvider(invocation).provider('hq')
    await expect(provider.identify()).rejects.toMatchObject({ name: 'CredentialsRejected' })
  })

  it('brings files by the delivery of that account', async () => {
    const opened = await withDelivery(invocation).delivery('hq')
    expect(opened.endOf('pve1')).toBe('pve1.example.com:22')
  })

  it('says which secret is missing where a site restores nothing', async () => {
    const refused = {
      name: 'UnknownSite',
      message: expect.stringMatching(/site branch .* --name guestlift\/site\/branch\/restore /),
    }
    await expect(withRestorer(invocation).provider('branch')).rejects.toMatchObject(refused)
    await expect(withDelivery(invocation).delivery('branch')).rejects.toMatchObject(refused)
  })
})

describe('a delivery', () => {
  it.each(['pull', 'sftp'])('is opened by its type: %s', async (type) => {
    const opened = await deliveryIn('hq', { restore: { delivery: { type, ...login, port: 2222 } } })
    expect(opened.endOf('pve2')).toBe('pve2.example.com:2222')
  })

  it.each<[object, RegExp]>([
    [{ type: 'push', ...login }, /delivery of site hq is malformed.*type/],
    [{ type: 'sftp', ...login, privateKey: '-----BEGIN' }, /either privateKey or password/],
    [{ type: 'pull', ...login, hostKey: 'SHA256:' }, /hostKey/],
  ])('is refused with the field that is wrong: %j', async (malformed, message) => {
    await expect(deliveryIn('hq', { restore: { delivery: malformed } })).rejects.toMatchObject({
      name: 'InvalidSite',
      message: expect.stringMatching(message),
    })
  })
})
