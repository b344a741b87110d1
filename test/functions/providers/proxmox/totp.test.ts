import { describe, expect, it } from 'vitest'
import {
  factorsOf,
  openSecondFactor,
  type SecondFactor,
} from '../../../../functions/providers/proxmox/second-factor.ts'
import { parseTotpSecret, totpCode, totpStep } from '../../../../functions/providers/proxmox/totp.ts'
import { surroundings } from './site.ts'

/** The ASCII seeds of RFC 6238, appendix B, as base32. */
const seeds = {
  SHA1: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ',
  SHA256: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA',
  SHA512: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNA',
}

async function codeOf(factor: SecondFactor | undefined): Promise<string | undefined> {
  const answer = await factor?.answer()
  return answer !== undefined && 'code' in answer ? answer.code : undefined
}

describe('one-time codes', () => {
  it.each<[seconds: number, algorithm: keyof typeof seeds, code: string]>([
    [59, 'SHA1', '94287082'],
    [59, 'SHA256', '46119246'],
    [59, 'SHA512', '90693936'],
    [1111111109, 'SHA1', '07081804'],
    [1111111109, 'SHA256', '68084774'],
    [1111111109, 'SHA512', '25091201'],
    [1111111111, 'SHA1', '14050471'],
    [1234567890, 'SHA1', '89005924'],
    [1234567890, 'SHA256', '91819424'],
    [1234567890, 'SHA512', '93441116'],
    [2000000000, 'SHA1', '69279037'],
    [20000000000, 'SHA1', '65353130'],
    [20000000000, 'SHA256', '77737706'],
    [20000000000, 'SHA512', '47863826'],
  ])('at %i s with %s are those of RFC 6238', (seconds, algorithm, code) => {
    const totp = parseTotpSecret(`otpauth://totp/PVE:x?secret=${seeds[algorithm]}&algorithm=${algorithm}&digits=8`)
    if (totp === undefined) throw new Error('the address was not understood')
    expect(totpCode(totp, totpStep(totp, new Date(seconds * 1000)))).toBe(code)
  })

  it.each([
    ['plain', seeds.SHA1],
    ['in groups, lower case', 'gezd gnbv gy3t qojq gezd gnbv gy3t qojq'],
    ['padded', `${seeds.SHA1}====`],
    [
      'as the address that Proxmox shows',
      `otpauth://totp/Proxmox%20Web%20UI%20-%20pve1:root%40pam?secret=${seeds.SHA1}&period=30&digits=6&algorithm=SHA1&issuer=x`,
    ],
  ])('a secret %s gives six digits every thirty seconds', (_, text) => {
    const totp = parseTotpSecret(text)
    expect(totp).toMatchObject({ digits: 6, periodSeconds: 30, algorithm: 'sha1' })
    expect(totp === undefined ? '' : totpCode(totp, 1)).toBe('287082')
  })

  it.each([
    '',
    'ABC',
    'not base32!',
    '0189018901890189',
    'otpauth://hotp/x?secret=GEZDGNBVGY3TQOJQ',
    'otpauth://totp/x',
    'otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ&digits=99',
  ])('%j is no secret', (text) => {
    expect(parseTotpSecret(text)).toBeUndefined()
  })

  it('are given once each: the next one waits for the next period', async () => {
    const deps = surroundings('2026-11-22T18:00:10Z')
    const factor = openSecondFactor(seeds.SHA1, deps.now, deps.sleep, { lastCodeStep: Number.NEGATIVE_INFINITY })
    const codes = [await codeOf(factor), await codeOf(factor), await codeOf(factor)]
    expect(new Set(codes).size).toBe(3)
    expect(deps.slept).toEqual([20_000, 30_000])
  })

  it('are not given again when the clock is set back', async () => {
    const deps = surroundings('2026-11-22T18:00:10Z')
    const factor = openSecondFactor(seeds.SHA1, deps.now, deps.sleep, { lastCodeStep: Number.NEGATIVE_INFINITY })
    const first = await codeOf(factor)
    deps.advance(-60_000)
    expect(await codeOf(factor)).not.toBe(first)
    expect(deps.slept).toEqual([80_000])
  })
})

describe('the kinds of second factor that a half login asks for', () => {
  it.each<[string, string[]]>([
    [`PVE:!tfa!${encodeURIComponent('{"totp":true}')}:6B0326A9::c2ln`, ['totp']],
    [`PVE:!tfa!${encodeURIComponent('{"totp":true,"recovery":"low"}')}:6B0326A9::c2ln`, ['totp', 'recovery']],
    [`PVE:!tfa!${encodeURIComponent('{"webauthn":{"challenge":"x"}}')}:6B0326A9::c2ln`, ['webauthn']],
    [`PVE:!tfa!${encodeURIComponent('{"totp":false,"u2f":null}')}:6B0326A9::c2ln`, []],
    ['PVE:!tfa!%ZZ:6B0326A9::c2ln', []],
    ['PVE:backup@pve:6B0326A9::c2ln', []],
  ])('%s', (ticket, kinds) => {
    expect(factorsOf(ticket)).toEqual(kinds)
  })
})
