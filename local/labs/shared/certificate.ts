/**
 * Certificates like those a node makes for itself: one root, one leaf with the node's names. A cluster's root
 * (pve-root-ca.pem) has the subject `CN=Proxmox Virtual Environment, OU=<a UUID>, O=PVE Cluster Manager CA`; its nodes'
 * leaves carry it as their issuer, so that each handshake shows the UUID, and it stays when a leaf is renewed. Node.js reads X.509 but
 * can't write it, so the few DER shapes a certificate needs are encoded here (RFC 5280; ECDSA P-256 with SHA-256).
 */
import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  randomUUID,
  sign,
  X509Certificate,
} from 'node:crypto'
import { isIPv4 } from 'node:net'

export interface Identity {
  /** Leaf certificate and its key, PEM. */
  cert: string
  key: string
  /** The root that signed it, PEM. */
  ca: string
}

function tlv(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  if (body.length < 0x80) return Buffer.concat([Buffer.from([tag, body.length]), body])
  const hex = body.length.toString(16)
  const length = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, body])
}

const sequence = (...parts: Uint8Array[]): Buffer => tlv(0x30, ...parts)
const octets = (body: Uint8Array): Buffer => tlv(0x04, body)
const bits = (body: Uint8Array): Buffer => tlv(0x03, Buffer.from([0]), body)
const explicit = (number: number, body: Uint8Array): Buffer => tlv(0xa0 | number, body)
const TRUE = Buffer.from([0x01, 0x01, 0xff])

function integer(value: Uint8Array): Buffer {
  const first = value[0] ?? 0
  return first & 0x80 ? tlv(0x02, Buffer.from([0]), value) : tlv(0x02, value)
}

function oid(dotted: string): Buffer {
  const numbers = dotted.split('.').map(Number)
  const [first = 0, second = 0, ...rest] = numbers
  const bytes = [first * 40 + second]
  for (const number of rest) {
    const groups = [number & 0x7f]
    for (let left = Math.floor(number / 128); left > 0; left = Math.floor(left / 128))
      groups.unshift((left & 0x7f) | 0x80)
    bytes.push(...groups)
  }
  return tlv(0x06, Buffer.from(bytes))
}

/** RFC 5280 4.1.2.5: UTCTime through 2049, GeneralizedTime after. */
function time(at: Date): Buffer {
  const text = at.toISOString().replace(/[-:T]/g, '').slice(0, 14)
  return at.getUTCFullYear() < 2050 ? tlv(0x17, Buffer.from(`${text.slice(2)}Z`)) : tlv(0x18, Buffer.from(`${text}Z`))
}

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'))

const NAME_PARTS = { CN: '2.5.4.3', O: '2.5.4.10', OU: '2.5.4.11' } as const

/** A distinguished name, its parts in the order given. */
function name(...parts: [keyof typeof NAME_PARTS, string][]): Buffer {
  return sequence(
    ...parts.map(([type, text]) => tlv(0x31, sequence(oid(NAME_PARTS[type]), tlv(0x0c, Buffer.from(text, 'utf8'))))),
  )
}

function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return critical ? sequence(oid(id), TRUE, octets(value)) : sequence(oid(id), octets(value))
}

const keyId = (key: KeyObject): Buffer =>
  createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()

interface Request {
  subject: Buffer
  issuer: Buffer
  publicKey: KeyObject
  signedWith: KeyObject
  issuerKey: KeyObject
  notBefore: Date
  notAfter: Date
  /** Names a client may use for the leaf; none makes it a root. */
  names: readonly string[]
}

function issue(request: Request): string {
  const isRoot = request.names.length === 0
  const alternatives = request.names.map((host) =>
    isIPv4(host) ? tlv(0x87, Buffer.from(host.split('.').map(Number))) : tlv(0x82, Buffer.from(host, 'ascii')),
  )
  const extensions = [
    extension('2.5.29.19', isRoot, isRoot ? sequence(TRUE) : sequence()),
    extension('2.5.29.14', false, octets(keyId(request.publicKey))),
    extension('2.5.29.35', false, sequence(tlv(0x80, keyId(request.issuerKey)))),
  ]
  if (isRoot) extensions.push(extension('2.5.29.15', true, Buffer.from([0x03, 0x02, 0x01, 0x06])))
  else {
    extensions.push(extension('2.5.29.37', false, sequence(oid('1.3.6.1.5.5.7.3.1'))))
    extensions.push(extension('2.5.29.17', false, sequence(...alternatives)))
  }
  // A serial of 0 or with the top bit set is refused by some readers.
  const serial = randomBytes(16)
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40
  const body = sequence(
    explicit(0, integer(Buffer.from([2]))),
    integer(serial),
    ECDSA_SHA256,
    request.issuer,
    sequence(time(request.notBefore), time(request.notAfter)),
    request.subject,
    request.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions)),
  )
  const der = sequence(body, ECDSA_SHA256, bits(sign('sha256', body, request.signedWith)))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`
}

/**
 * A fresh root and a leaf for these host names and IPv4 addresses, both valid from an hour before `now` for two years.
 * `clusterId` is the UUID in the root's name.
 */
export function createIdentity(names: readonly string[], now: Date, clusterId: string = randomUUID()): Identity {
  const root = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const leaf = generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const rootName = name(['CN', 'Proxmox Virtual Environment'], ['OU', clusterId], ['O', 'PVE Cluster Manager CA'])
  const dates = {
    notBefore: new Date(now.getTime() - 3_600_000),
    notAfter: new Date(now.getTime() + 2 * 365 * 86_400_000),
  }
  const signer = { issuer: rootName, signedWith: root.privateKey, issuerKey: root.publicKey, ...dates }
  return {
    ca: issue({ ...signer, subject: rootName, publicKey: root.publicKey, names: [] }),
    cert: issue({
      ...signer,
      subject: name(['OU', 'PVE Cluster Node'], ['O', 'Proxmox Virtual Environment'], ['CN', names[0] ?? 'localhost']),
      publicKey: leaf.publicKey,
      names,
    }),
    key: leaf.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

/** SHA-256 of a certificate, `AB:CD:…`. */
export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256
}
