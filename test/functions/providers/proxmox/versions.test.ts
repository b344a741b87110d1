import { describe, expect, it } from 'vitest'
import { requireSupportedVersion } from '../../../../functions/providers/proxmox/versions.ts'

describe('the version that a site tells', () => {
  it.each(['7.4-16', '8.4.5', '9.2.11', '10.0.1'])('is fine: %s', (version) => {
    expect(() => requireSupportedVersion(version, 'hq')).not.toThrow()
  })

  it.each([
    ['banana', /calls its version "banana", which no Proxmox VE does. Check the site's endpoints/],
    ['6.4-15', /needs 7\.4 or later/],
  ])('is refused for good, since asking again gives the same: %s', (version, message) => {
    const refuse = () => requireSupportedVersion(version, 'hq')
    expect(refuse).toThrow(expect.objectContaining({ name: 'RequestRejected', group: 'fail-run' }))
    expect(refuse).toThrow(message)
  })
})
