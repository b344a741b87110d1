import { describe, expect, it } from 'vitest'
import { LEFT_OUT, withoutSecrets } from '../../../../functions/domain/configuration/without-secrets.ts'

describe('what is kept of a configuration', () => {
  it.each([
    'password',
    'bind-password',
    'passwd',
    'client-key',
    'token',
    'api_token',
    'key',
    'keys',
    'secret',
    'private-key',
    'webhook-url',
    'tls.passphrase',
    'credentials',
  ])('leaves %s out, and says that it did', (name) => {
    expect(withoutSecrets({ ldap: { [name]: 'hunter2', server1: 'ldap.example.com' } })).toEqual({
      value: { ldap: { [name]: LEFT_OUT, server1: 'ldap.example.com' } },
      leftOut: [`ldap.${name}`],
    })
  })

  it.each([
    'tokenid',
    'fingerprint',
    'ssl_fingerprint',
    'sshkeys',
    'keyboard',
    'password-set-at',
    'monkey',
    'turnkeys-of',
  ])('keeps %s, which is no secret', (name) => {
    expect(withoutSecrets({ [name]: 'value' })).toEqual({ value: { [name]: 'value' }, leftOut: [] })
  })

  it('finds them however deep they lie', () => {
    const { value, leftOut } = withoutSecrets([{ tokens: [{ id: 'a', secret: 'x' }] }])
    expect(leftOut).toEqual(['0.tokens.0.secret'])
    expect(JSON.stringify(value)).not.toContain('"x"')
  })

  it('keeps that none is set', () => {
    const unset = { password: '', token: null, secret: undefined }
    expect(withoutSecrets(unset)).toEqual({ value: unset, leftOut: [] })
  })
})
