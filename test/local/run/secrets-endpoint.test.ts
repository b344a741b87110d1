import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { guardOf, type Judgement } from '../../../local/iam/guard.ts'
import { readPolicy } from '../../../local/iam/policy.ts'
import { type SecretsEndpoint, startSecretsEndpoint } from '../../../local/run/secrets-endpoint.ts'

let endpoint: SecretsEndpoint
let judgements: Judgement[]

beforeEach(async () => {
  judgements = []
  endpoint = await startSecretsEndpoint({ 'guestlift/site/hq': '{"provider":"proxmox"}' })
})
afterEach(() => endpoint.close())

const credentials = { accessKeyId: 'any', secretAccessKey: 'thing' }
const secret = (name: string) => `arn:aws:secretsmanager:local:000000000000:secret:guestlift/site/${name}`

/** A function whose role may read these secrets. */
function clientOf(...Resource: string[]): SecretsManagerClient {
  const Statement = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource }
  const role = {
    name: 'start-backup',
    arn: 'arn:aws:iam::000000000000:role/start-backup',
    identity: readPolicy({ Statement }, 'identity'),
    resource: [],
  }
  const url = endpoint.urlFor(guardOf(role, (judgement) => judgements.push(judgement)))
  return new SecretsManagerClient({ endpoint: url, region: 'us-east-1', credentials })
}

const read = (client: SecretsManagerClient, site: string) =>
  client.send(new GetSecretValueCommand({ SecretId: `guestlift/site/${site}` }))

describe('the secrets endpoint', () => {
  it('answers the AWS client as Secrets Manager does', async () => {
    const client = clientOf(secret('hq-??????'), secret('other'))
    expect((await read(client, 'hq')).SecretString).toBe('{"provider":"proxmox"}')
    await expect(read(client, 'other')).rejects.toMatchObject({ name: 'ResourceNotFoundException' })
    expect(judgements.map(({ request, allowed }) => [request.resource, allowed])).toEqual([
      [secret('hq-l0CaL1'), true],
      [secret('other'), true],
    ])
  })

  it('refuses a secret that the role may not read', async () => {
    await expect(read(clientOf(secret('branch-??????')), 'hq')).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining(
        'is not authorized to perform: secretsmanager:GetSecretValue on resource: arn:aws:',
      ),
    })
    expect(judgements.map(({ role, allowed }) => [role, allowed])).toEqual([['start-backup', false]])
  })

  it('says that there is no such secret only to a role that may read one of its bare name', async () => {
    await expect(read(clientOf(secret('other-??????')), 'other')).rejects.toMatchObject({
      name: 'AccessDeniedException',
      message: expect.stringContaining('on resource: guestlift/site/other because'),
    })
  })

  it('tells nothing to whoever does not know a path', async () => {
    const { origin } = new URL(endpoint.urlFor(guardOf({ name: 'r', arn: 'arn', identity: [], resource: [] })))
    const answer = await fetch(origin, {
      method: 'POST',
      headers: { 'x-amz-target': 'secretsmanager.GetSecretValue' },
      body: '{"SecretId":"guestlift/site/hq"}',
    })
    expect(answer.status).toBe(403)
    expect(await answer.text()).toBe('')
  })
})
