import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SecretsEndpoint {
  /** For AWS_ENDPOINT_URL_SECRETS_MANAGER. Its path is a secret of this process: nobody else on the machine can guess it. */
  url: string
  close(): Promise<void>
}

/**
 * Serves secrets to the functions the way Secrets Manager does, on loopback, for as long as one run lasts. The functions
 * read sites through it exactly as on AWS, so that no function knows where it runs.
 */
export async function startSecretsEndpoint(secrets: Readonly<Record<string, string>>): Promise<SecretsEndpoint> {
  const path = `/${randomBytes(24).toString('hex')}/`
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const action = request.headers['x-amz-target']
      if (request.url !== path || action !== 'secretsmanager.GetSecretValue') {
        response.writeHead(403).end()
        return
      }
      const { SecretId } = JSON.parse(Buffer.concat(chunks).toString()) as { SecretId: string }
      const secret = secrets[SecretId]
      const [status, body]: [number, object] =
        secret === undefined
          ? [400, { __type: 'ResourceNotFoundException', Message: "Secrets Manager can't find the specified secret." }]
          : [200, { Name: SecretId, SecretString: secret, VersionStages: ['AWSCURRENT'] }]
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
