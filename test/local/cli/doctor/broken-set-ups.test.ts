/** Set-ups with one thing wrong each: the doctor names it with its fix, and nothing is dumped to find it out. */
import { createServer as createPage } from 'node:http'
import { createServer as createSecurePage } from 'node:https'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AddressInfo, createServer as createSilent, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { jobSchema } from '../../../../functions/contracts/job.ts'
import type { Finding } from '../../../../functions/domain/doctor/finding.ts'
import { proxmoxSiteSchema } from '../../../../functions/providers/proxmox/config.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import { createIdentity, fingerprintOf } from '../../../../local/labs/shared/certificate.ts'
import type { FaultPlan } from '../../../../local/s3/faults.ts'
import { type S3Server, startS3 } from '../../../../local/s3/server.ts'
import { guestlift as run } from '../command-line.ts'
import { ownEnvironment, ownKeys } from '../own-environment.ts'

/** All that a set-up may spoil before the doctor looks. */
interface Bed {
  lab: Lab
  site: {
    endpoints: string[]
    tls: object
    auth: { tokenId: string; secret: string }
    route: Record<string, unknown>
    restore: { auth: { secret: string }; delivery: object }
  }
  job: { site: string; guests: object; backup: { storage: string } }
  s3: { url: string; plan?: FaultPlan }
  bucket: string
  env: Record<string, string>
  /** Ended with the test. */
  serve(server: Server): Promise<number>
}

interface SetUp {
  name: string
  spoil: (bed: Bed) => unknown
  /** What the one ✗ line is about, and says; the fix is in it. */
  failed: [check: Finding['check'], words: RegExp]
  code?: number
}

const UNREACHABLE = 3

const setUps: SetUp[] = [
  {
    name: 'a certificate other than the pinned one',
    spoil: ({ site }) => {
      site.tls = { mode: 'fingerprint', fingerprints: [Array.from({ length: 32 }, () => 'AB').join(':')] }
    },
    failed: [
      'identity',
      /showed a certificate with SHA-256 .*expected AB:.*compare it on the node .*correct the site's/,
    ],
  },
  {
    name: 'a wrong token',
    spoil: ({ site }) => {
      site.auth.secret = '00000000-0000-0000-0000-000000000000'
    },
    failed: ['login', /backup@pve!guestlift was rejected \(401 .*Check that token .* its secret is right/],
  },
  {
    name: 'a missing privilege',
    spoil: ({ lab }) =>
      lab.control.changeAcl((acl) => acl.filter(({ path, who }) => path !== '/storage' || !who.startsWith('backup'))),
    failed: ['privileges', /lacks Datastore\.AllocateSpace on \/storage\/local, Datastore\.Audit .*Grant it there/],
  },
  {
    name: "a clock that is off by more than the site's tolerance",
    spoil: ({ lab }) => lab.control.setClockOffset(1_300),
    failed: ['clock', /its clock is 22 minutes ahead, and 15 minutes are allowed.*Set up NTP/],
  },
  {
    name: 'another cluster than the one that the archives come from',
    spoil: async ({ lab, s3, bucket }) => {
      await putBook(s3.url, bucket)
      lab.control.setCluster('sha256:other')
    },
    failed: ['cluster', /answers, and the archives come from sha256:first.*guestlift site accept hq --cluster/],
  },
  {
    name: 'a storage that takes no backups',
    spoil: ({ lab }) => lab.control.storage('local', { content: ['iso'] }),
    failed: ['storage', /storage local doesn't take backups, only iso\. Allow backups on it, or name another/],
  },
  {
    name: 'a storage that is offline',
    spoil: ({ lab }) => lab.control.setStorageOnline('local', false),
    failed: ['storage', /storage local can't be reached from the node\. Bring it online/],
  },
  {
    name: 'a storage that is disabled',
    spoil: ({ lab }) => lab.control.storage('local', { disabled: true }),
    failed: ['storage', /storage local is(n't there| disabled).*(Enable it, or name|Name) /],
  },
  {
    name: 'a storage that is full',
    spoil: ({ lab }) => lab.control.fillStorage('local', 1_000_000),
    failed: ['storage', /local has .* free of 1\.0 TiB, too little for a backup\. Make room on it, or name another/],
  },
  {
    name: 'a node that is offline',
    spoil: ({ lab }) => lab.control.setNodeOnline('pve1', false),
    failed: ['node', /node pve1 doesn't answer, so 1 guest on it can't be archived\. Bring the node back/],
    code: UNREACHABLE,
  },
  {
    name: 'a host key other than the pinned one',
    spoil: ({ lab }) => lab.control.presentOtherHostKey(),
    failed: ['route', /lists other host keys than the server's.*No credential was sent.*Compare with `ssh-keygen -lf/],
  },
  {
    name: 'an SSH login that is refused',
    spoil: ({ site }) => {
      delete site.route['privateKey']
      site.route['password'] = 'wrong'
    },
    failed: ['route', /refused user vzdump-read with the password of the site's route\. Check username and password/],
  },
  {
    name: "archives that the route's account may not read",
    spoil: async ({ lab }) => {
      await dump(lab)
      lab.faults.onSftp({ kind: 'permission-denied' }, 5)
    },
    failed: [
      'route',
      /user vzdump-read may not read \S+\/dump\/vzdump-lxc-100-\S+ .*Give the account read access to the file and to every/,
    ],
  },
  {
    name: 'a folder of archives that is elsewhere for the account',
    spoil: ({ site }) => {
      site.route['pathPrefix'] = { from: '/var/lib/vz', to: '/srv' }
    },
    failed: ['route', /\/srv\/dump doesn't exist on .*set route\.pathPrefix/],
  },
  {
    name: 'an SSH server that does not answer',
    spoil: async (bed) => {
      bed.site.route['port'] = await freePort()
    },
    failed: [
      'route',
      /the route can't be used, tried for 6 seconds: can't connect .*Check its host and port in the site, and that the network lets SSH through\. Nothing was dumped there\./,
    ],
    code: UNREACHABLE,
  },
  {
    name: 'an endpoint that does not answer',
    spoil: async (bed) => {
      bed.site.endpoints = [`https://127.0.0.1:${await freePort()}`]
    },
    failed: [
      'reach',
      /cannot ask without a login, https:\/\/127\.0\.0\.1:\d+ refuses connections\. Check its address and port/,
    ],
    code: UNREACHABLE,
  },
  {
    name: 'an endpoint that is a web page',
    spoil: async (bed) => {
      const { cert, key } = createIdentity(['127.0.0.1'], new Date())
      const server = createSecurePage({ cert, key }, (_request, response) => {
        response.setHeader('content-type', 'text/html')
        response.end('<html>Welcome to nginx!</html>')
      })
      bed.site.endpoints = [`https://127.0.0.1:${await bed.serve(server)}`]
      bed.site.tls = { mode: 'fingerprint', fingerprints: [fingerprintOf(cert)] }
    },
    failed: ['api', /gave an answer that can't be used .*Is something in between, a proxy or a login page/],
    code: UNREACHABLE,
  },
  {
    name: 'a bucket that is missing',
    spoil: (bed) => {
      bed.bucket = 'misspelt'
    },
    failed: ['bucket', /there is no such bucket\. Check the bucket's name, region and endpoint, or create it first/],
  },
  {
    name: 'a wrong secret access key',
    spoil: ({ env }) => {
      env['AWS_SECRET_ACCESS_KEY'] = 'wrong'
    },
    failed: ['keys', /the signature is wrong\. Check the secret access key/],
  },
  {
    name: 'an access key that the store does not know',
    spoil: ({ env }) => {
      env['AWS_ACCESS_KEY_ID'] = 'nobody'
    },
    failed: ['keys', /the access key id is unknown\. Check the AWS credentials/],
  },
  {
    name: 'a store without an action that a run needs',
    spoil: ({ s3 }) => {
      s3.plan = ({ operation }) => (operation === 'ListMultipartUploads' ? { code: 'AccessDenied' } : undefined)
    },
    failed: ['lists', /can't list uploads .*: access denied \(s3:ListBucketMultipartUploads\)\. Check the permissions/],
  },
  {
    name: 'an account of the store that may not remove',
    spoil: ({ s3 }) => {
      s3.plan = ({ operation, count }) =>
        operation === 'DeleteObject' && count === 1 ? { code: 'AccessDenied' } : undefined
    },
    failed: ['removal', /can't remove .*: access denied \(s3:DeleteObject\)\. /],
  },
  {
    name: 'a bucket in another region',
    spoil: ({ env }) => {
      env['AWS_REGION'] = 'eu-west-9'
    },
    failed: ['region', /the request was signed for another region\. Set AWS_REGION to the bucket's/],
  },
  {
    name: "a web page at the store's address",
    spoil: async (bed) => {
      const page = createPage((_request, response) => {
        response.setHeader('content-type', 'text/html')
        response.end('<html>MinIO Console</html>')
      })
      bed.s3 = { url: `http://127.0.0.1:${await bed.serve(page)}` }
    },
    failed: ['store', /(a web page|isn't S3|text\/html)/],
  },
  {
    name: "nobody at the store's address",
    spoil: async (bed) => {
      bed.s3 = { url: `http://127.0.0.1:${await freePort()}` }
    },
    failed: ['store', /did not get through a test .*Check the endpoint, that the store is up, and the network/],
    code: UNREACHABLE,
  },
  {
    name: 'an endpoint that says nothing',
    spoil: async (bed) => {
      bed.site.endpoints = [`https://127.0.0.1:${await bed.serve(silent())}`]
    },
    failed: ['reach', /could not be connected to .* within 5 s\)\. Check its address and port/],
    code: UNREACHABLE,
  },
  {
    name: 'an SSH server that says nothing',
    spoil: async (bed) => {
      bed.site.route['port'] = await bed.serve(silent())
    },
    failed: ['route', /the route can't be used, tried for 6 seconds/],
    code: UNREACHABLE,
  },
  {
    name: 'a store that says nothing',
    spoil: async (bed) => {
      bed.s3 = { url: `http://127.0.0.1:${await bed.serve(silent())}` }
    },
    failed: ['store', /did not get through a test .* still waiting for an answer\. Check the endpoint/],
    code: UNREACHABLE,
  },
]

/** What an account that restores may lack: by what is spoilt, the one line and its mark. */
const restoreSetUps: { name: string; spoil: (bed: Bed) => unknown; line: RegExp; code: number }[] = [
  {
    name: 'all that it needs',
    spoil: () => undefined,
    line: /^✓ privileges for restores: the account has all that bringing back container 100 takes$/mu,
    code: 0,
  },
  {
    name: 'a wrong token',
    spoil: ({ site }) => {
      site.restore.auth.secret = '00000000-0000-0000-0000-000000000000'
    },
    line: /^✗ account for restores: .*restore@pve!guestlift was rejected \(401 .*Check that token/mu,
    code: 1,
  },
  {
    name: 'no right on any storage',
    spoil: ({ lab }) => takeFrom(lab, '/storage'),
    line: /^✗ storage for restores \(pve1\): Site hq, node pve1: the account is shown no storage .* or grant Datastore\.AllocateSpace/mu,
    code: 1,
  },
  {
    name: 'the right to use bridges',
    spoil: ({ lab }) => takeFrom(lab, '/sdn/zones/localnetwork'),
    line: /^✗ privileges for restores: .*lacks SDN\.Use on \/sdn\/zones\/localnetwork\/vmbr0\. Grant it there/mu,
    code: 1,
  },
  {
    name: 'rights on guests, which it may have on a pool',
    spoil: ({ lab }) => takeFrom(lab, '/vms'),
    line: /^! privileges for restores: .*lacks VM\.Allocate on \/vms\/100, .* An account for one pool alone restores with --pool\.$/mu,
    code: 0,
  },
  {
    name: 'the right to make privileged containers',
    spoil: ({ lab }) => lab.control.guest(100, { options: {} }),
    line: /^! privileges for restores: .*lacks Sys\.Modify on \/\. .* Sys\.Modify is for privileged containers alone, which root may restore on the node\.$/mu,
    code: 0,
  },
  {
    name: 'rights for import',
    spoil: ({ site }) => {
      site.restore.delivery = { type: 'import' }
    },
    line: /^- privileges for restores: There is no guest that it could be asked with\.$/mu,
    code: 0,
  },
]

function takeFrom(lab: Lab, path: string): void {
  lab.control.changeAcl((acl) => acl.filter((one) => one.path !== path || !one.who.startsWith('restore')))
}

/** Takes connections and says nothing: what no error ends. */
const silent = () => createSilent((socket) => socket.on('error', () => undefined))

async function freePort(): Promise<number> {
  const server = createPage()
  const port = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

/** An archive that lies there from earlier. */
async function dump(lab: Lab): Promise<void> {
  const provider = openProxmox('hq', proxmoxSiteSchema.parse(lab.site()), {
    now: () => new Date(),
    sleep: () => Promise.resolve(),
    log: () => undefined,
  })
  const { backup } = jobSchema.parse({ site: 'hq', guests: { vmids: [100] } })
  const { jobRef } = await provider.start({ id: '100', kind: 'container', name: 'db', node: 'pve1' }, backup)
  await lab.control.endOfTask(jobRef)
  await provider.close()
}

async function putBook(endpoint: string, bucket: string): Promise<void> {
  const { PutObjectCommand } = await import('@aws-sdk/client-s3')
  const { createS3Client } = await import('../../../../functions/aws/s3-client.ts')
  const client = createS3Client({ endpoint, region: 'us-east-1', credentials: ownKeys })
  const cluster = { id: 'sha256:first', pinnedAt: '2026-11-01T00:00:00.000Z' }
  const Body = JSON.stringify({ version: 1, site: 'hq', cluster, guests: [] })
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'sites/hq.json', Body }))
  client.destroy()
}

describe('guestlift doctor', () => {
  let directory: string
  let lab: Lab
  let server: S3Server
  let bed: Bed
  const closing: (() => Promise<unknown>)[] = []
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'guestlift-doctor-'))
    lab = await startLab({
      directory: join(directory, 'lab'),
      secondsPerDump: 0,
      unauthorizedDelaySeconds: 0,
      guests: [{ vmid: 100, kind: 'lxc', name: 'db', dataBytes: 2 ** 16, options: { unprivileged: '1' } }],
      nodes: [{ name: 'pve1' }, { name: 'pve2' }],
    })
    const s3: Bed['s3'] = { url: '' }
    server = await startS3({
      directory: join(directory, 's3'),
      ...ownKeys,
      region: 'us-east-1',
      buckets: ['archives'],
      faults: (subject) => s3.plan?.(subject),
    })
    s3.url = server.url
    bed = {
      lab,
      site: lab.site() as unknown as Bed['site'],
      job: { site: 'hq', guests: { vmids: [100] }, backup: { storage: 'local' } },
      s3,
      bucket: 'archives',
      env: ownEnvironment(directory, { AWS_REGION: 'us-east-1' }),
      async serve(page) {
        const sockets = new Set<Socket>()
        page.on('connection', (socket: Socket) => sockets.add(socket))
        closing.push(() => {
          for (const socket of sockets) socket.destroy()
          return new Promise((resolve) => page.close(resolve))
        })
        return listening(page)
      },
    }
  })
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()))
    await lab.close()
    await server.close()
    await rm(directory, { recursive: true, force: true })
  })

  async function doctor(...words: string[]) {
    await writeFile(join(directory, 'site.json'), JSON.stringify(bed.site))
    await writeFile(join(directory, 'job.json'), JSON.stringify(bed.job))
    const where = ['--bucket', bed.bucket, '--s3', bed.s3.url]
    const all = ['doctor', 'job.json', '--site-file', 'site.json', ...where, ...words]
    return run(all, { cwd: directory, env: bed.env })
  }
  const findingsOf = (out: string) => (JSON.parse(out) as { findings: Finding[] }).findings

  it('finds nothing wrong with a good set-up, and leaves nothing behind', async () => {
    const { code, out, error } = await doctor()
    expect(out).not.toMatch(/^[✗-]/mu)
    expect(out).toMatch(/^✓ login: Proxmox VE 9\.\d+\.\d+$/mu)
    expect(out).toMatch(/^✓ conditional writes: If-None-Match and If-Match hold$/mu)
    expect(out).toMatch(/^Nothing stands against a run, 1 warning\.$/m)
    expect({ code, error }).toEqual({ code: 0, error: '' })
    expect((await readdir(join(directory, 's3', 'archives'))).filter((name) => !name.startsWith('.'))).toEqual([])
  })

  it.each(setUps)('finds $name, and dumps nothing for it', async ({ spoil, failed: [check, words], code = 1 }) => {
    await spoil(bed)
    const before = lab.control.tasks().length
    const asked = lab.faults.requests.length
    const ended = await doctor('--json')
    const findings = findingsOf(ended.out)
    const wrong = findings.filter(({ verdict }) => verdict === 'failed')
    expect(wrong.map((finding) => [finding.check, finding.message])).toEqual([[check, expect.stringMatching(words)]])
    expect(wrong[0]?.message).not.toContain(bed.site.auth.secret)
    expect(ended.code).toBe(code)
    const changes = lab.faults.requests.slice(asked).filter(({ method }) => method !== 'GET')
    expect(changes).toEqual([])
    expect(lab.control.tasks()).toHaveLength(before)
  })

  it.each(restoreSetUps)('finds of an account for restores: $name', async ({ spoil, line, code }) => {
    bed.site = lab.site({ restores: true }) as unknown as Bed['site']
    spoil(bed)
    const asked = lab.faults.requests.length
    const ended = await doctor()
    expect(ended.out).toMatch(line)
    expect(ended.out).not.toContain(bed.site.restore.auth.secret)
    expect(ended.code).toBe(code)
    expect(lab.faults.requests.slice(asked).filter(({ method }) => method !== 'GET')).toEqual([])
  })

  it('warns of a clock that is off by minutes and within the tolerance', async () => {
    lab.control.setClockOffset(-300)
    const { code, out } = await doctor()
    expect(out).toMatch(/^! clock \(https:\S+\): It is 5 minutes behind\. Backups go on.* Set up NTP/mu)
    expect(code).toBe(0)
  })

  it('warns of one endpoint that does not answer where another one does', async () => {
    bed.site.endpoints.push(`https://127.0.0.1:${await freePort()}`)
    const { code, out } = await doctor()
    expect(out).toMatch(/^! endpoint answers \(\S+\): .* Another endpoint of the site answers, so runs go on\.$/mu)
    expect(code).toBe(0)
  })

  it('warns of a store that proves less than AWS does, and says by what archives are proved there', async () => {
    bed.s3.plan = () => 'no-checksums'
    const { code, out } = await doctor()
    expect(out).toMatch(
      /^! full-object CRC-32: The store of s3:\/\/archives computes no CRC-32 over whole objects\. .* MD5/mu,
    )
    expect(out).toMatch(/^✓ conditional writes: /mu)
    expect(code).toBe(0)
  })

  it('warns of a store without conditional writes that one machine must use it alone', async () => {
    bed.env['XDG_STATE_HOME'] = join(directory, 'state')
    bed.s3.plan = ({ operation }) => (operation === 'GetObject' ? undefined : 'no-conditions')
    const { code, out } = await doctor()
    expect(out).toMatch(/^✓ full-object CRC-32: /mu)
    expect(out).toMatch(
      /^! conditional writes: The store of s3:\/\/archives keeps no conditions .* from this machine and user/mu,
    )
    expect(code).toBe(0)
  })

  it('says what it could not check, and why', async () => {
    bed.site.auth.secret = 'wrong'
    const { out } = await doctor()
    expect(out).toMatch(/^- route: Nobody could log in\.$/m)
    expect(out).toMatch(/^1 check failed, .* 6 not checked\. Mend what is marked ✗/m)
  })
})
