/** PEM as people paste it: consoles, shells and YAML turn its line breaks into blanks, `\n` or nothing good. */

const BLOCK = /-----BEGIN ([A-Z0-9 ]+?)-----([\s\S]*?)-----END \1-----/g

export interface PemBlock {
  /** `OPENSSH PRIVATE KEY`, `CERTIFICATE`, … */
  label: string
  /** The whole block with line breaks where the standard wants them (RFC 7468), and one at its end. */
  text: string
}

/** Each block of a text, repaired. Headers (`Proc-Type: …`, of encrypted keys in the old form) stay in front. */
export function pemBlocks(text: string): PemBlock[] {
  const plain = text.replaceAll('\\r', '').replaceAll('\\n', '\n')
  return [...plain.matchAll(BLOCK)].map(([, label = '', inside = '']) => {
    const { headers, base64 } = splitHeaders(inside)
    const lines = base64.match(/.{1,64}/g) ?? []
    const head = headers.length === 0 ? [] : [...headers, '']
    return { label, text: [`-----BEGIN ${label}-----`, ...head, ...lines, `-----END ${label}-----`, ''].join('\n') }
  })
}

/** Of an encrypted key in OpenSSL's old form. Its two headers are known, and hold no blank but after the colon. */
function splitHeaders(inside: string): { headers: string[]; base64: string } {
  const headers = [...inside.matchAll(/(Proc-Type|DEK-Info):\s*(\S+)/g)].map(([, name, value]) => `${name}: ${value}`)
  const rest = inside.replaceAll(/(Proc-Type|DEK-Info):\s*\S+/g, '')
  return { headers, base64: rest.replaceAll(/\s+/g, '') }
}
