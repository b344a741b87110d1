import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import { describe, expect, it } from 'vitest'
import { createIdentity, fingerprintOf } from '../../../../local/labs/shared/certificate.ts'
import { startHttpFront } from '../../../../local/labs/proxmox/http-front.ts'

describe('a certificate of the lab', () => {
  const now = new Date('2026-11-22T10:00:00Z')
  const identity = createIdentity(['pve1.lab', '127.0.0.1'], now)
  const leaf = new X509Certificate(identity.cert)
  const root = new X509Certificate(identity.ca)

  it('is signed by its root, which is an authority and signed by itself', () => {
    expect(leaf.verify(root.publicKey)).toBe(true)
    expect(leaf.checkIssued(root)).toBe(true)
    expect([leaf.ca, root.ca]).toEqual([false, true])
    expect(root.verify(root.publicKey)).toBe(true)
    expect(leaf.verify(createIdentity(['pve1.lab'], now).key === identity.key ? root.publicKey : leaf.publicKey)).toBe(
      false,
    )
  })

  it('names the node and its address and nothing else', () => {
    expect(leaf.checkHost('pve1.lab')).toBe('pve1.lab')
    expect(leaf.checkIP('127.0.0.1')).toBe('127.0.0.1')
    expect(leaf.checkHost('pve2.lab')).toBeUndefined()
    expect(leaf.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
  })

  it('is valid now, for two years, also past 2050', () => {
    expect(leaf.validFromDate.toISOString()).toBe('2026-11-22T09:00:00.000Z')
    expect(leaf.validToDate.getUTCFullYear()).toBe(2028)
    const late = new X509Certificate(createIdentity(['pve1.lab'], new Date('2060-01-01T00:00:00Z')).cert)
    expect(late.validFromDate.getUTCFullYear()).toBe(2059)
  })

  it('is accepted by a TLS client that trusts the root, and by no other', async () => {
    const fresh = createIdentity(['pve1.lab', '127.0.0.1'], new Date())
    const front = await startHttpFront(
      0,
      fresh,
      async () => ({ status: 200, reason: 'OK' }),
      () => new Date(),
    )
    const verdict = (ca: string): Promise<string> =>
      new Promise((resolve) => {
        const socket = connect({ port: front.port, host: '127.0.0.1', ca }, () => {
          resolve(fingerprintOf(fresh.cert) === socket.getPeerCertificate().fingerprint256 ? 'trusted' : 'other')
          socket.destroy()
        })
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
      })
    expect(await verdict(fresh.ca)).toBe('trusted')
    expect(await verdict(identity.ca)).not.toBe('trusted')
    await front.close()
  })
})
