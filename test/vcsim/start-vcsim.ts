/** VMware's own simulator, built of Debian's packages, behind a server of ours that adds what it lacks. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type BeforeVcsim, startBeforeVcsim } from '../../local/labs/vsphere/before-vcsim/proxy.ts'
import { Upstream } from '../../local/labs/vsphere/before-vcsim/upstream.ts'
import { envelopeOf } from '../../local/labs/vsphere/wire/envelope.ts'
import { escapeXml } from '../../local/labs/vsphere/wire/xml.ts'

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url))
const tools = file('../../.guestlift/tools')
const NEEDED = ['/usr/bin/go', '/usr/share/gocode/src/github.com/vmware/govmomi']

/** What isn't there. Debian: `apt-get install --no-install-recommends golang-go golang-github-vmware-govmomi-dev`. */
export const missingForVcsim: readonly string[] = existsSync(`${tools}/vcsim`)
  ? []
  : NEEDED.filter((path) => !existsSync(path))

export interface Vcsim extends BeforeVcsim {
  /** The simulator itself, without what is before it. */
  behind: string
  user: string
  password: string
  /** Give the disk of a guest, as `DC0_H0_VM0`, its bytes: the simulator's own is an empty file. 1 MiB, as it says. */
  putDisk(guest: string, bytes: Uint8Array): Promise<void>
  /** A site configuration that reaches it, ready to use. */
  site(): Record<string, unknown>
}

const DESCRIPTOR = `# Disk DescriptorFile
version=1
CID=b035a9e9
parentCID=ffffffff
createType="vmfs"

# Extent description
RW 2048 VMFS "disk1-flat.vmdk"

# The Disk Data Base
#DDB

ddb.adapterType = "lsilogic"
ddb.virtualHWVersion = "13"
`

/** With the simulator's own session, which ends with it. */
async function putDisk(behind: string, login: string, guest: string, bytes: Uint8Array): Promise<void> {
  const upstream = new Upstream(behind)
  const headers = { 'content-type': 'text/xml', soapaction: '"urn:vim25/6.5"' }
  const manager = '<_this type="SessionManager">SessionManager</_this>'
  const call = (inside: string): Buffer => Buffer.from(envelopeOf(inside))
  const opened = await upstream.send(
    'POST',
    '/sdk',
    headers,
    call(`<Login xmlns="urn:vim25">${manager}${login}</Login>`),
  )
  const cookie = { cookie: opened.headers['set-cookie']?.[0]?.split(';')[0] ?? '' }
  for (const [name, body] of [
    ['disk1-flat.vmdk', bytes],
    ['disk1.vmdk', Buffer.from(DESCRIPTOR)],
  ] as const) {
    const put = await upstream.send('PUT', `/folder/${guest}/${name}?dcPath=DC0&dsName=LocalDS_0`, cookie, body)
    if (put.status >= 300) throw new Error(`vcsim answers ${put.status} to the upload of ${name} of ${guest}`)
  }
  const logout = call(`<Logout xmlns="urn:vim25">${manager}</Logout>`)
  await upstream.send('POST', '/sdk', { ...headers, ...cookie }, logout)
}

export interface VcsimOptions {
  standalone?: boolean
  taskAsks?: number
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

/** Builds it where that wasn't done yet, which takes about a minute. Two guests of a host and two of a cluster, all on. */
export async function startVcsim({ standalone = false, taskAsks }: VcsimOptions = {}): Promise<Vcsim> {
  await promisify(execFile)('sh', [file('../tools/vcsim.sh'), tools])
  const [user, password] = ['user', 'pass & word']
  const words = ['-u', user, '-p', password, ...(standalone ? ['-esx'] : [])]
  const child = spawn(`${tools}/vcsim`, words, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [first]: unknown[] = await once(child.stdout, 'data')
  const behind = /READY (\S+)/.exec(String(first))?.[1]
  if (behind === undefined) throw new Error(`vcsim says ${String(first)} instead of where it listens`)
  const before = await startBeforeVcsim({ upstream: behind, ...(taskAsks === undefined ? {} : { taskAsks }) })
  return {
    ...before,
    behind,
    putDisk: (guest, bytes) =>
      putDisk(behind, `<userName>${user}</userName><password>${escapeXml(password)}</password>`, guest, bytes),
    user,
    password,
    site: () => ({
      provider: 'vsphere',
      endpoint: before.url,
      tls: { mode: 'fingerprint', fingerprints: [before.fingerprint] },
      auth: { username: user, password },
    }),
    close: async () => {
      await before.close()
      await stop(child)
    },
  }
}
