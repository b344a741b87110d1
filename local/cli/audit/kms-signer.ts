/** Signs a report with a key of AWS KMS, which never leaves it. */
import { createPublicKey, createVerify, constants } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { KMSClient, SigningAlgorithmSpec } from '@aws-sdk/client-kms'
import { CliError } from '../../run/cli-error.ts'
import type { Signature, Signer } from './write-report.ts'

/** What `openssl dgst -sha256` can check, the simplest to check first. */
const ALGORITHMS = ['RSASSA_PKCS1_V1_5_SHA_256', 'ECDSA_SHA_256', 'RSASSA_PSS_SHA_256'] as const
type Algorithm = (typeof ALGORITHMS)[number]

/** @param key an id, an alias as `alias/reports`, or an ARN, whose region counts then */
export function kmsSigner(key: string): Signer {
  return async (digest, file) => {
    const { KMSClient, GetPublicKeyCommand, SignCommand } = await import('@aws-sdk/client-kms')
    const [, region = process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION']] =
      /^arn:[^:]+:kms:([^:]+):/.exec(key) ?? []
    if (region === undefined) {
      throw new CliError(`Of which region key ${key} is isn't known: set AWS_REGION, or give the key's ARN.`)
    }
    const client: KMSClient = new KMSClient({ region })
    try {
      const { PublicKey, SigningAlgorithms } = await client.send(new GetPublicKeyCommand({ KeyId: key }))
      const algorithm = algorithmOf(key, SigningAlgorithms)
      const answer = await client.send(
        new SignCommand({ KeyId: key, Message: digest, MessageType: 'DIGEST', SigningAlgorithm: algorithm }),
      )
      const { Signature: bytes = new Uint8Array() } = answer
      if (!(await isOf(file, bytes, PublicKey ?? new Uint8Array(), algorithm))) {
        throw new CliError(`KMS gave a signature that the public key of ${key} doesn't confirm. Nothing was written.`)
      }
      return { bytes, algorithm, key: answer.KeyId ?? key } satisfies Signature
    } catch (error) {
      throw refusalOf(error, key)
    } finally {
      client.destroy()
    }
  }
}

function algorithmOf(key: string, offered: readonly SigningAlgorithmSpec[] = []): Algorithm {
  const algorithm = ALGORITHMS.find((one) => offered.includes(one))
  if (algorithm !== undefined) return algorithm
  const has = offered.length === 0 ? 'signs nothing' : `offers ${offered.join(', ')} alone`
  throw new CliError(`Key ${key} ${has}. Make one for signing, as RSA_2048 or ECC_NIST_P256.`)
}

async function isOf(
  file: string,
  signature: Uint8Array,
  publicKey: Uint8Array,
  algorithm: Algorithm,
): Promise<boolean> {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey), format: 'der', type: 'spki' })
    const verify = createVerify('sha256')
    for await (const chunk of createReadStream(file)) verify.update(chunk as Buffer)
    const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    return verify.verify({ key, ...(algorithm === 'RSASSA_PSS_SHA_256' ? pss : {}) }, signature)
  } catch {
    return false
  }
}

/** What KMS refused, and what a person can do. Faults of the way to it stay as they are. */
function refusalOf(error: unknown, key: string): unknown {
  if (error instanceof CliError || !(error instanceof Error) || !('$fault' in error)) return error
  if (error.$fault !== 'client') return error
  const advice: Record<string, string> = {
    NotFoundException: 'Check its id or alias, and the region.',
    DisabledException: 'Enable it, or use another key.',
    AccessDeniedException: 'Its policy or yours has to allow kms:GetPublicKey and kms:Sign.',
    KMSInvalidStateException: 'It is about to be deleted, or not usable now: use another key.',
    UnsupportedOperationException: 'It is no key for signing: make one, as RSA_2048 or ECC_NIST_P256.',
    InvalidKeyUsageException: 'It is no key for signing: make one, as RSA_2048 or ECC_NIST_P256.',
  }
  return new CliError(
    `The report was not signed, and not written: KMS refused key ${key} (${error.name}). ${advice[error.name] ?? error.message}`,
    { cause: error },
  )
}
