import { expect, it } from 'vitest'
import { hostKeySchema } from '../../../functions/contracts/route.ts'
import { fingerprintSchema } from '../../../functions/contracts/tls.ts'

const hash = 'SHA256:lJy/0zeqPrxZ2Lkc0DcV9cPbVMhUxHVJ0o1+vdbyQXA'

it.each([
  ['the hash', hash],
  ['the hash with padding', `${hash}=`],
  ['a line of ssh-keygen -lf', `256 ${hash} root@pve1 (ED25519)\n`],
  ['a line of a first login', `ED25519 key fingerprint is ${hash}.`],
])('takes the fingerprint of a host key from %s', (_what, text) => {
  expect(hostKeySchema.parse(text)).toBe(hash)
})

it.each([
  [
    'a public key',
    'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx root@pve1',
    /that is a public key; its fingerprint is wanted/,
  ],
  ['an MD5 hash', 'MD5:aa:bb:cc', /written SHA256/],
  ['a hash that was cut off', hash.slice(0, -4), /written SHA256/],
  ['a hash that is too long', `${hash}AA`, /written SHA256/],
])('refuses %s as a host key', (_what, text, message) => {
  expect(hostKeySchema.safeParse(text).error?.message).toMatch(message)
})

const fingerprint = Array.from({ length: 32 }, (_, at) => at.toString(16).padStart(2, '0').toUpperCase()).join(':')

it.each([
  ['the fingerprint', fingerprint],
  ['a line of openssl 3', `sha256 Fingerprint=${fingerprint}\n`],
  ['a line of openssl 1', `SHA256 Fingerprint=${fingerprint}`],
  ['a page of a browser', fingerprint.replaceAll(':', ' ')],
])('takes the fingerprint of a certificate from %s', (_what, text) => {
  expect(fingerprintSchema.parse(text).replaceAll(':', '')).toBe(fingerprint.replaceAll(':', ''))
})

it.each([fingerprint.slice(3), `SHA1 Fingerprint=${fingerprint.slice(0, 59)}`, ''])(
  'refuses %j as a certificate’s',
  (text) => {
    expect(fingerprintSchema.safeParse(text).success).toBe(false)
  },
)
