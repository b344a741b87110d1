import { spawnSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { describe, expect, it } from 'vitest'
import { readPrivateKey } from '../../../functions/ssh/private-key.ts'

const keys = {
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  ed25519: generateKeyPairSync('ed25519'),
}
const passphrase = 'open sesame'

const pkcs8 = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'pem' }).toString()
const encrypted = (key: KeyObject) =>
  key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase }).toString()

/** The public key that ssh2 finds in a private one, as the parts that make it. */
function publicOf({ privateKey, passphrase: phrase }: ReturnType<typeof readPrivateKey>): object {
  const parsed = ssh2.utils.parseKey(privateKey, phrase)
  if (parsed instanceof Error) throw parsed
  return createPublicKey([parsed].flat()[0]?.getPublicPEM() ?? '').export({ format: 'jwk' })
}

const forms = Object.entries(keys).flatMap(([kind, { privateKey, publicKey }]) => {
  const expected = publicKey.export({ format: 'jwk' })
  const own = kind === 'rsa' ? 'pkcs1' : 'sec1'
  const old = kind === 'ed25519' ? [] : [{ form: own, text: privateKey.export({ type: own, format: 'pem' }) }]
  return [
    { form: 'PKCS#8', text: pkcs8(privateKey) },
    { form: 'encrypted PKCS#8', text: encrypted(privateKey) },
    ...old,
  ].map(({ form, text }) => ({ kind, form, text: text.toString(), expected }))
})

describe.each(forms)('a private key of $kind as $form', ({ text, expected, form }) => {
  const phrase = form.startsWith('encrypted') ? passphrase : undefined

  it.each([
    ['as it is', (pem: string) => pem],
    ['with line breaks of Windows', (pem: string) => pem.replaceAll('\n', '\r\n')],
    ['with its line breaks turned into blanks', (pem: string) => pem.trim().replaceAll('\n', ' ')],
    ['with its line breaks turned into backslash and n', (pem: string) => pem.replaceAll('\n', '\\n')],
    ['without line breaks', (pem: string) => pem.replaceAll('\n', '')],
    ['behind blanks and a byte order mark', (pem: string) => `\uFEFF  ${pem.replaceAll('\n', '\n    ')}`],
  ])('is read %s', (_how, mangle) => {
    expect(publicOf(readPrivateKey(mangle(text), phrase))).toEqual(expected)
  })
})

it('writes Ed25519 keys so that OpenSSH itself reads them', ({ skip }) => {
  const folder = mkdtempSync(join(tmpdir(), 'guestlift-key-'))
  try {
    const file = join(folder, 'key')
    writeFileSync(file, readPrivateKey(pkcs8(keys.ed25519.privateKey)).privateKey)
    chmodSync(file, 0o600)
    const { error, stdout, status } = spawnSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' })
    if (error !== undefined) return skip('no ssh-keygen here')
    expect(status).toBe(0)
    const { x = '' } = keys.ed25519.publicKey.export({ format: 'jwk' })
    expect(Buffer.from(stdout.split(' ')[1] ?? '', 'base64').subarray(-32)).toEqual(Buffer.from(x, 'base64url'))
  } finally {
    rmSync(folder, { recursive: true })
  }
})

it.each([
  ['a public key', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx root@pve', undefined, /it is the public key/],
  ['something else', 'hello', undefined, /holds no private key/],
  ['a text that was cut off', pkcs8(keys.rsa.privateKey).slice(0, 300), undefined, /was cut off/],
  ['a certificate', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----', undefined, /it is a certificate/],
  ['an encrypted key without its passphrase', encrypted(keys.rsa.privateKey), undefined, /has no passphrase/],
  ['an encrypted key with another passphrase', encrypted(keys.rsa.privateKey), 'wrong', /the passphrase is wrong/],
  [
    'a key for encrypting',
    pkcs8(generateKeyPairSync('x25519').privateKey),
    undefined,
    /x25519 can't log in.*ssh-keygen -t ed25519/,
  ],
  ['two keys', pkcs8(keys.rsa.privateKey) + pkcs8(keys.ed25519.privateKey), undefined, /holds several/],
])('refuses %s and says what it is, without showing it', (_what, text, phrase, message) => {
  const failure = (() => {
    try {
      return readPrivateKey(text, phrase)
    } catch (error) {
      return error
    }
  })()
  expect(failure).toMatchObject({ name: 'InvalidSite', message: expect.stringMatching(message) })
  expect(String(failure)).not.toContain(text.slice(40, 80) || text)
})
