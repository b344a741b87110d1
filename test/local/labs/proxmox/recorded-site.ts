/** A lab set up like the server that was recorded: its guests, storages, users and archives. Secrets come from the recordings. */
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { GuestSpec, StorageSpec, UserSpec } from '../../../../local/labs/proxmox/default-site.ts'
import { type Lab, startLab } from '../../../../local/labs/proxmox/lab.ts'
import type { Transcript } from './transcripts.ts'

const GIB = 1024 ** 3
const MIB = 1024 ** 2

/** The recorded guests' configurations have none of the lines that their making leaves: somebody wrote the files. */
const WRITTEN_BY_HAND = {}

const container = (vmid: number, name: string, more: Partial<GuestSpec> = {}): GuestSpec => ({
  vmid,
  kind: 'lxc',
  name,
  status: 'stopped',
  identity: WRITTEN_BY_HAND,
  dataBytes: 2 * MIB,
  disks: [{ key: 'rootfs', volume: `ctdata:${vmid}/subvol-${vmid}-disk-0.subvol`, sizeBytes: 4 * GIB }],
  ...more,
})

export const GUESTS: GuestSpec[] = [
  container(100, 'web'),
  container(101, 'db', { dataBytes: 4 * MIB }),
  container(102, 'locked', { lock: 'backup' }),
  container(103, 'broken', {
    diskMissing: true,
    disks: [{ key: 'rootfs', volume: 'ctdata:103/subvol-103-disk-9.subvol', sizeBytes: 4 * GIB }],
  }),
  container(104, 'tiny', { dataBytes: MIB }),
  {
    vmid: 200,
    kind: 'qemu',
    name: 'winserver',
    status: 'stopped',
    identity: WRITTEN_BY_HAND,
    disks: [{ key: 'scsi0', volume: 'ctdata:200/vm-200-disk-0.qcow2', sizeBytes: GIB }],
    zero: 1,
  },
  container(300, 'other', { node: 'pve2' }),
]

export const STORAGES: StorageSpec[] = [
  { id: 'prune' },
  { id: 'pruned', pruneBackups: 'keep-last=2,keep-daily=3' },
  { id: 'local', content: ['images', 'backup', 'vztmpl', 'snippets', 'iso', 'rootdir'], pruneBackups: 'keep-all=1' },
  { id: 'off', disabled: true },
  { id: 'store', content: ['backup', 'vztmpl', 'iso'] },
  { id: 'gone', isMountpoint: true, online: false },
  { id: 'tiny', isMountpoint: true, capacityBytes: 12 * MIB },
  { id: 'ctdata', content: ['images', 'rootdir'] },
]

/** Token secrets and passwords as the recorded requests carry them. */
function credentials(transcripts: readonly Transcript[]): {
  tokens: Map<string, string>
  passwords: Map<string, string>
} {
  const tokens = new Map<string, string>()
  const passwords = new Map<string, string>()
  for (const { request, response } of transcripts.flatMap((each) => each.exchanges)) {
    const header = request.headers.find(([name]) => name === 'Authorization')?.[1] ?? ''
    const [, id, secret] = /^PVEAPIToken=(\S+?)=(\S+)$/.exec(header) ?? []
    const isReal = id !== undefined && secret !== undefined && !secret.startsWith('00000000')
    if (isReal) tokens.set(id, secret)
    if (!request.path.startsWith('/api2/json/access/ticket') || request.body.startsWith('{')) continue
    const form = new URLSearchParams(request.body)
    const [user, password] = [form.get('username'), form.get('password')]
    const refused = response.status !== 200 && !/disabled|expired/.test(user ?? '')
    if (user?.includes('@') === true && password !== null && !password.startsWith('PVE:') && !refused)
      passwords.set(user, password)
  }
  return { tokens, passwords }
}

function users(transcripts: readonly Transcript[]): UserSpec[] {
  const { tokens, passwords } = credentials(transcripts)
  const token = (user: string, id: string, more = {}): { id: string; secret: string } => ({
    id,
    secret: tokens.get(`${user}!${id}`) ?? `no recording of ${id}`,
    ...more,
  })
  const user = (userid: string, more: Partial<UserSpec> = {}): UserSpec => {
    const password = passwords.get(userid)
    return { userid, ...(password === undefined ? {} : { password }), ...more }
  }
  return [
    user('auditor@pve'),
    user('backup@pve', {
      email: '',
      comment: 'client test user',
      tokens: [
        token('backup@pve', 'client', { privilegesSeparated: false }),
        token('backup@pve', 'sep'),
        token('backup@pve', 'exp', { privilegesSeparated: false, expire: 1_600_000_000 }),
      ],
    }),
    user('disabled@pve', { enabled: false, tokens: [token('disabled@pve', 'tok')] }),
    user('expired@pve', { expire: 1_600_000_000 }),
    user('limited@pve'),
    user('root@pam'),
    user('vm100@pve'),
  ]
}

const row = (
  path: string,
  who: string,
  role: string,
): { path: string; who: string; role: string; propagate: boolean } => ({
  path,
  who,
  role,
  propagate: true,
})

function write(
  lab: Lab,
  storage: string,
  file: string,
  size: number,
  extra: { notes?: string; protected?: boolean } = {},
): void {
  const found = lab.storages.find((each) => each.id === storage && each.node === 'pve1')
  const directory = join(found?.directory ?? '', 'dump')
  mkdirSync(directory, { recursive: true })
  const path = join(directory, file)
  writeFileSync(path, '')
  // A hole: of what lies in these archives, nothing is ever read.
  truncateSync(path, size)
  if (extra.notes !== undefined) writeFileSync(`${path}.notes`, extra.notes)
  if (extra.protected === true) writeFileSync(`${path}.protected`, '')
}

interface ContentRow {
  volid: string
  size: number
  notes?: string
  protected?: number
}

/** Archives as a recorded list shows them. */
export function fillFrom(
  lab: Lab,
  transcripts: readonly Transcript[],
  scenario: string,
  storages: readonly string[],
): void {
  const listed = transcripts
    .find((each) => each.scenario === scenario)
    ?.exchanges.findLast((each) => /\/content(\?|$)/.test(each.request.path))
  const recorded = listed?.response.body ?? '{"data":[]}'
  const { data } = JSON.parse(recorded) as { data: ContentRow[] }
  for (const each of data) {
    const file = each.volid.replace(/^[^/]*\//, '')
    for (const storage of storages) {
      write(lab, storage, file, each.size, {
        protected: each.protected === 1,
        ...(each.notes === undefined ? {} : { notes: each.notes }),
      })
    }
  }
}

export async function startRecordedSite(directory: string, transcripts: readonly Transcript[]): Promise<Lab> {
  const lab = await startLab({
    directory,
    nodes: [{ name: 'pve1' }, { name: 'pve2', online: false, member: false, refusal: 'Connection refused' }],
    guests: GUESTS,
    storages: STORAGES,
    users: users(transcripts),
    acl: [
      row('/', 'backup@pve', 'Administrator'),
      row('/', 'auditor@pve', 'PVEAuditor'),
      row('/vms/100', 'vm100@pve', 'PVEVMUser'),
      row('/storage/store', 'vm100@pve', 'PVEDatastoreUser'),
    ],
    secondsPerDump: 10,
    unauthorizedDelaySeconds: 0,
  })
  fillFrom(lab, transcripts, 'get-content-prune-odd-names', ['prune', 'pruned'])
  fillFrom(lab, transcripts, 'get-content-store-backup', ['store'])
  fillFrom(lab, transcripts, 'vzdump-qemu-stopped-by-DELETE', ['store'])
  return lab
}
