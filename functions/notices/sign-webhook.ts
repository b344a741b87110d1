import { createHmac } from 'node:crypto'

/**
 * Headers that let a receiver know who sent a body and that nobody changed it: Standard Webhooks 1.0
 * (standardwebhooks.com), for which there are libraries in many languages.
 * @param secret base64, with or without `whsec_` before it
 */
export function signatureHeaders(id: string, at: Date, body: string, secret: string): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000))
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` }
}
