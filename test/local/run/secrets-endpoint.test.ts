import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type SecretsEndpoint, startSecretsEndpoint } from '../../../local/run/secrets-endpoint.ts'

let endpoint: SecretsEndpoint

beforeEach(async () => {
  endpoint = await startSecretsEndpoint({ 'guestlift/site/hq': '{"provider":"proxmox"}' })
})
afterEach(() => endpoint.close())

const credentials = { accessKeyId: 'any', secretAccessKey: 'thing' }

describe('the secrets endpoint', () => {
  it('answers the AWS client as Secrets Manager does', async () => {
    const client = new SecretsManagerClient({ endpoint: endpoint.url, region: 'us-east-1', credentials })
    const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: 'guestlift/site/hq' }))
    expect(SecretString).toBe('{"provider":"proxmox"}')
    await expect(client.send(new GetSecretValueCommand({ SecretId: 'guestlift/site/other' }))).rejects.toMatchObject({
      name: 'ResourceNotFoundException',
    })
  })

  it('tells nothing to whoever does not know its path', async () => {
    const { origin } = new URL(endpoint.url)
    const answer = await fetch(origin, {
      method: 'POST',
      headers: { 'x-amz-target': 'secretsmanager.GetSecretValue' },
      body: '{"SecretId":"guestlift/site/hq"}',
    })
    expect(answer.status).toBe(403)
    expect(await answer.text()).toBe('')
  })
})
