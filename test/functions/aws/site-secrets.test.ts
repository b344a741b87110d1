import { createServer, type Server } from 'node:http'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SiteSecrets } from '../../../functions/aws/site-secrets.ts'

describe('reading sites from Secrets Manager', () => {
  let server: Server
  let secrets: SiteSecrets
  let answer: { status: number; body: object }
  let asked: unknown[]
  let now: Date

  beforeEach(async () => {
    asked = []
    now = new Date('2026-11-22T02:00:00.000Z')
    answer = { status: 200, body: { Name: 'guestlift/site/hq', SecretString: '{"provider":"proxmox"}' } }
    server = createServer((request, response) => {
      let text = ''
      request.on('data', (chunk: Buffer) => {
        text += chunk.toString()
      })
      request.on('end', () => {
        asked.push(JSON.parse(text))
        response.writeHead(answer.status, { 'content-type': 'application/x-amz-json-1.1' })
        response.end(JSON.stringify(answer.body))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    const client = new SecretsManagerClient({
      endpoint: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    })
    secrets = new SiteSecrets(client, 'guestlift/site/', () => now)
  })
  afterEach(() => new Promise((resolve) => server.close(resolve)))

  it("asks for the site's secret and gives its text", async () => {
    expect(await secrets.readSite('hq')).toBe('{"provider":"proxmox"}')
    expect(asked).toEqual([{ SecretId: 'guestlift/site/hq' }])
  })

  it('keeps the text for five minutes, for each site by itself', async () => {
    await secrets.readSite('hq')
    now = new Date(now.getTime() + 299_000)
    await secrets.readSite('hq')
    expect(asked).toHaveLength(1)
    await secrets.readSite('branch')
    now = new Date(now.getTime() + 2_000)
    await secrets.readSite('hq')
    expect(asked).toHaveLength(3)
  })

  it.each([
    [400, 'ResourceNotFoundException', 'UnknownSite', /no site hq .* guestlift\/site\/hq/],
    [400, 'AccessDeniedException', 'StoreDenied', /secretsmanager:GetSecretValue/],
    [400, 'DecryptionFailure', 'StoreDenied', /kms:Decrypt/],
    [400, 'InvalidRequestException', 'StoreDenied', /marked for deletion/],
    [500, 'InternalServiceError', 'StoreUnavailable', /guestlift\/site\/hq/],
    [400, 'ThrottlingException', 'StoreUnavailable', /guestlift\/site\/hq/],
  ])('turns %i %s into %s, and asks again next time', async (status, type, name, message) => {
    answer = { status, body: { __type: type, message: 'from the fake' } }
    await expect(secrets.readSite('hq')).rejects.toMatchObject({ name, message: expect.stringMatching(message) })
    answer = { status: 200, body: { SecretString: '{}' } }
    expect(await secrets.readSite('hq')).toBe('{}')
  })

  it('names the command that creates a secret which is not there yet', async () => {
    answer = { status: 400, body: { __type: 'ResourceNotFoundException', message: 'from the fake' } }
    const message = expect.stringContaining(
      'aws secretsmanager create-secret --name guestlift/site/hq --secret-string file://site.json',
    )
    await expect(secrets.readSite('hq')).rejects.toMatchObject({ name: 'UnknownSite', message })
  })

  it('reads what restores from a secret of its own, and keeps both apart', async () => {
    await secrets.readSite('hq')
    answer = { status: 200, body: { SecretString: '{"restore":{}}' } }
    expect(await secrets.readSite('hq', 'restore')).toBe('{"restore":{}}')
    expect(await secrets.readSite('hq')).toBe('{"provider":"proxmox"}')
    expect(asked).toEqual([{ SecretId: 'guestlift/site/hq' }, { SecretId: 'guestlift/site/hq/restore' }])
  })

  it('names the secret for restores and the command that creates it where there is none', async () => {
    answer = { status: 400, body: { __type: 'ResourceNotFoundException', message: 'from the fake' } }
    await expect(secrets.readSite('hq', 'restore')).rejects.toMatchObject({
      name: 'UnknownSite',
      message:
        'site hq is not configured for restores: Secrets Manager has no value for guestlift/site/hq/restore. ' +
        "Create the secret from the site's JSON with its block `restore`: " +
        'aws secretsmanager create-secret --name guestlift/site/hq/restore --secret-string file://site.json',
    })
  })

  it.each([
    [
      'because no identity-based policy allows the secretsmanager:GetSecretValue action',
      'UnknownSite',
      /not in `sites`/,
    ],
    ['with an explicit deny in an identity-based policy', 'StoreDenied', /nothing denies/],
    [
      'because no permissions boundary allows the secretsmanager:GetSecretValue action',
      'StoreDenied',
      /nothing denies/,
    ],
    ['Access to KMS is not allowed', 'StoreDenied', /kms:Decrypt/],
  ])('tells a site that the deployment lacks from other refusals: %s', async (why, name, pattern) => {
    const user =
      'User: arn:aws:sts::123456789012:assumed-role/r/f is not authorized to perform: secretsmanager:GetSecretValue'
    const message = why.startsWith('Access') ? why : `${user} on resource: guestlift/site/hq ${why}`
    answer = { status: 400, body: { __type: 'AccessDeniedException', message } }
    const refusal = secrets.readSite('hq')
    await expect(refusal).rejects.toMatchObject({ name, message: expect.stringMatching(pattern) })
  })

  it('refuses a binary secret', async () => {
    answer = { status: 200, body: { SecretBinary: Buffer.from('{}').toString('base64') } }
    await expect(secrets.readSite('hq')).rejects.toMatchObject({ name: 'InvalidSite' })
  })
})
