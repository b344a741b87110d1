import { CliError } from '../../run/cli-error.ts'
import { type Asker, Cancelled } from './asker.ts'
import { shownCertificate } from './shown-identities.ts'

/** An address as people type it: scheme and port may be left out. `undefined` for what is none. */
export function apiAddress(text: string, usualPort: number): URL | undefined {
  const whole = /^[a-z]+:\/\//i.test(text) ? text : `https://${text}`
  if (!URL.canParse(whole)) return undefined
  const url = new URL(whole)
  const isBare = url.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
  if (url.protocol !== 'https:' || !isBare) return undefined
  // A port that was typed is kept, also the one that https has anyway.
  if (url.port === '' && !/:\d+\/?$/.test(text)) url.port = String(usualPort)
  return url
}

/**
 * The block `tls` for these addresses. What a public authority vouches for needs no person; the fingerprint of anything
 * else is shown, and has to be confirmed.
 * @param compareWith prints the fingerprint on the server itself
 */
export async function certificateIn(
  addresses: readonly URL[],
  asker: Asker,
  expected: readonly string[],
  compareWith: string,
): Promise<Record<string, unknown>> {
  const fingerprints: string[] = []
  let isTrusted = true
  for (const address of addresses) {
    const shown = await shownCertificate(address)
    const known = expected.some((one) => bare(one) === bare(shown.fingerprint))
    if (expected.length > 0 && !known) {
      throw new CliError(
        `${address.origin} shows the certificate ${shown.fingerprint}, and --fingerprint names another. Nothing was sent and nothing written.`,
      )
    }
    isTrusted &&= shown.trusted
    if (!shown.trusted && !known) await confirmed(address, shown, asker, compareWith)
    fingerprints.push(shown.fingerprint)
  }
  return isTrusted && expected.length === 0
    ? { mode: 'system' }
    : { mode: 'fingerprint', fingerprints: [...new Set(fingerprints)] }
}

async function confirmed(
  address: URL,
  { fingerprint, names, validTo }: Awaited<ReturnType<typeof shownCertificate>>,
  asker: Asker,
  compareWith: string,
): Promise<void> {
  asker.say(`${address.origin} shows this certificate, which no public authority vouches for:`, [
    `  SHA-256  ${fingerprint}`,
    `  for      ${names}`,
    `  until    ${validTo}`,
    '',
    'Compare it on the server itself:',
    `  ${compareWith}`,
  ])
  const question = {
    flag: '--fingerprint',
    message: `Is ${fingerprint.slice(0, 11)}… the certificate of ${address.host}?`,
  }
  if (!(await asker.confirm(question))) {
    throw new Cancelled('Stopped, since the certificate is not the right one. Nothing was sent and nothing written.')
  }
}

function bare(fingerprint: string): string {
  return fingerprint.replaceAll(':', '').toUpperCase()
}
