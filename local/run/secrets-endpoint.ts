import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Guard } from '../iam/guard.ts'
import { localArn } from './template-values.ts'

export interface SecretsEndpoint {
  /**
   * For AWS_ENDPOINT_URL_SECRETS_MANAGER of what runs as this guard's role, which is what it may read then. Its path is a
   * secret of this process: nobody else on the machine can guess it, and no role knows another's.
   */
  urlFor(guard: Guard): string
  close(): Promise<void>
}

/** Six characters that Secrets Manager adds to a secret's name in its ARN, so that a secret made anew has another. */
const SUFFIX = '-l0CaL1'

/**
 * Serves secrets to the functions the way Secrets Manager does, on loopback, for as long as one run lasts. The functions
 * read sites through it exactly as on AWS, so that no function knows where it runs.
 */
export async function startSecretsEndpoint(secrets: Readonly<Record<string, string>>): Promise<SecretsEndpoint> {
  const guards = new Map<string, Guard>()
  const urls = new Map<Guard, string>()
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const guard = guards.get(request.url ?? '')
      if (guard === undefined || request.headers['x-amz-target'] !== 'secretsmanager.GetSecretValue') {
        response.writeHead(403).end()
        return
      }
      const { SecretId } = JSON.parse(Buffer.concat(chunks).toString()) as { SecretId: string }
      const [status, body] = answer(secrets, SecretId, guard)
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    urlFor(guard) {
      const path = `/${randomBytes(24).toString('hex')}/`
      const url = urls.get(guard) ?? `http://127.0.0.1:${port}${path}`
      urls.set(guard, url)
      guards.set(new URL(url).pathname, guard)
      return url
    },
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/**
 * Rights are asked for before anything is said of the secret: about its whole ARN, or, where there is no such secret,
 * about an ARN that ends with the name that was asked for.
 */
function answer(secrets: Readonly<Record<string, string>>, name: string, guard: Guard): [number, object] {
  const secret = secrets[name]
  const arn = localArn('secretsmanager', `secret:${name}${secret === undefined ? '' : SUFFIX}`)
  const refused = guard.refuses('secretsmanager:GetSecretValue', arn, {}, secret === undefined ? name : arn)
  if (refused !== undefined) return [400, { __type: 'AccessDeniedException', Message: refused }]
  if (secret === undefined) {
    return [400, { __type: 'ResourceNotFoundException', Message: "Secrets Manager can't find the specified secret." }]
  }
  return [200, { ARN: arn, Name: name, SecretString: secret, VersionStages: ['AWSCURRENT'] }]
}
