import { evidenceOf, freed } from '../gathered.ts'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { BackupEvidence } from '../../../../functions/contracts/evidence.ts'
import type { GuestKind } from '../../../../functions/contracts/nouns.ts'
import { compareConfiguration } from '../../../../functions/providers/proxmox/compare-configuration.ts'
import { judgeProxmox as judge } from '../../../fakes/judge.ts'
import { type ApiClient, openClient } from '../../../../functions/providers/proxmox/client.ts'
import { openProxmox } from '../../../../functions/providers/proxmox/provider.ts'
import type { ProxmoxProvider } from '../../../../functions/providers/proxmox/provider.ts'
import { data, type Reply, type SeenRequest, startServer } from './scripted-server.ts'
import { passwordAuth, shortLimits, siteFor, surroundings, tokenAuth } from './site.ts'
import { type Exchange, recording, recordingNames, recordingsPresent, replay } from './transcripts.ts'

function isLogin({ request }: Exchange): boolean {
  return request.path.startsWith('/api2/json/access/ticket')
}

/** Runs `use` against a server that answers with recorded exchanges, and with a recorded login where none is among them. */
async function against<Result>(
  exchanges: readonly Exchange[],
  use: (provider: ProxmoxProvider, client: ApiClient, requests: SeenRequest[]) => Promise<Result>,
  {
    auth = tokenAuth,
    others = () => undefined,
  }: { auth?: unknown; others?: (request: SeenRequest) => Reply | undefined } = {},
): Promise<Result> {
  const login = recording('auth-login-ok')
  const all = exchanges.some(isLogin) ? exchanges : [...exchanges, ...login]
  const server = await startServer(replay(all, others))
  const site = siteFor(server, { auth })
  const deps = surroundings()
  const provider = openProxmox('hq', site, deps, shortLimits)
  const client = openClient('hq', site, deps, shortLimits)
  try {
    return await use(provider, client, server.requests)
  } finally {
    await provider.close()
    await client.close()
    await server.close()
  }
}

/** Make the recorded call as our client makes it, and give back the error it ends in. */
async function refusalOf(name: string, index: number, auth: unknown): Promise<{ name: string; message: string }> {
  const exchange = recording(name)[index]
  if (exchange === undefined) throw new Error(`${name} has no exchange ${index}`)
  const { method, path, body } = exchange.request
  const node = /\/nodes\/([^/?]+)/.exec(path)?.[1]
  return against(
    [exchange],
    async (_, client) => {
      const about = client.about('do it', node === undefined ? {} : { node })
      const below = path.slice('/api2/json'.length)
      const form = body == null || body === '' ? undefined : Object.fromEntries(new URLSearchParams(body))
      try {
        if (method === 'GET') await client.get(below, z.unknown(), about)
        else {
          const written = await client.write(method === 'DELETE' ? 'DELETE' : 'POST', below, about, form)
          if (!written.answered) return { name: `unclear:${written.error.name}`, message: written.error.message }
        }
      } catch (error) {
        if (error instanceof Error) return error
      }
      return { name: 'none', message: '' }
    },
    { auth },
  )
}

/** Recording, exchange, who asks, error, and what its message must say. Written down from the facts, then checked. */
const refusals: [name: string, index: number, auth: 'token' | 'password', error: string, says: RegExp][] = [
  ['auth-login-bad-password', 0, 'password', 'CredentialsRejected', /backup@pve.*authentication failure.*password/],
  ['auth-login-disabled-user', 0, 'password', 'CredentialsRejected', /enabled/],
  ['auth-login-expired-user', 0, 'password', 'CredentialsRejected', /expired/],
  ['auth-login-no-realm', 0, 'password', 'CredentialsRejected', /realm/],
  ['auth-login-unknown-realm', 0, 'password', 'CredentialsRejected', /realm/],
  ['auth-login-unknown-user', 0, 'password', 'CredentialsRejected', /user/],
  ['auth-login-missing-password', 0, 'password', 'RequestRejected', /password: property is missing/],
  ['auth-login-missing-username', 0, 'password', 'RequestRejected', /username: property is missing/],
  ['auth-login-extra-param', 0, 'password', 'RequestRejected', /bogus: property is not defined/],
  ['auth-ticket-expired-renewal', 0, 'password', 'CredentialsRejected', /authentication failure/],
  ['auth-ticket-renewal-other-user', 0, 'password', 'CredentialsRejected', /authentication failure/],
  ['auth-ticket-expired-3h', 0, 'password', 'CredentialsRejected', /Authentication failed!/],
  ['auth-ticket-garbage', 0, 'password', 'CredentialsRejected', /Authentication failed!/],
  ['auth-ticket-tampered', 0, 'password', 'CredentialsRejected', /Authentication failed!/],
  ['auth-token-bad-secret', 0, 'token', 'CredentialsRejected', /backup@pve!client.*secret/],
  ['auth-token-bearer-scheme', 0, 'token', 'CredentialsRejected', /No ticket/],
  ['auth-token-lowercase-scheme', 0, 'token', 'CredentialsRejected', /No ticket/],
  ['auth-token-expired', 0, 'token', 'CredentialsRejected', /expired/],
  ['auth-token-malformed-colon', 0, 'token', 'CredentialsRejected', /Authentication failed!/],
  ['auth-token-malformed-no-secret', 0, 'token', 'CredentialsRejected', /Authentication failed!/],
  ['auth-token-of-disabled-user', 0, 'token', 'CredentialsRejected', /enabled/],
  ['auth-token-unknown-id', 0, 'token', 'CredentialsRejected', /exists/],
  [
    'auth-token-privsep-no-rights-content',
    0,
    'token',
    'PrivilegeMissing',
    /Datastore.Audit or Datastore.AllocateSpace on \/storage\/store/,
  ],
  ['content-download-query', 0, 'token', 'RequestRejected', /download: property is not defined/],
  ['download-content-download', 0, 'token', 'RequestRejected', /can't read the archive's name/],
  ['csrf', 0, 'password', 'CredentialsRejected', /invalid csrf token/],
  ['csrf', 5, 'password', 'CredentialsRejected', /invalid csrf token/],
  ['restore-lxc-exists', 0, 'token', 'GuestIdInUse', /the id 100 is taken.*Choose another id/],
  ['get-cluster-nextid-taken', 0, 'token', 'GuestIdInUse', /the id 100 is taken/],
  ['lxc-delete', 3, 'token', 'GuestNotFound', /no such guest/],
  ['lxc-delete', 4, 'token', 'GuestLocked', /is locked \(backup\)/],
  ['err-delete-on-collection', 0, 'token', 'RequestRejected', /501.*not implemented/],
  ['err-delete-with-body-501', 0, 'token', 'RequestRejected', /Unexpected content/],
  ['err-disabled-storage-content', 0, 'token', 'StorageUnusable', /storage 'off' is disabled/],
  ['err-guest-of-other-type', 0, 'token', 'GuestNotFound', /no such guest/],
  ['err-method-not-implemented-on-path', 0, 'token', 'RequestRejected', /version/],
  ['err-node-refusing-connection-vzdump', 0, 'token', 'NodeOffline', /node pve2.*595 Connection refused/],
  ['err-param-bool-true-word', 0, 'token', 'RequestRejected', /type check \('boolean'\) failed/],
  ['err-param-enum', 0, 'token', 'RequestRejected', /does not have a value in the enumeration/],
  ['err-param-missing-upid-bad', 0, 'token', 'RequestRejected', /unable to parse worker upid/],
  ['err-param-several', 0, 'token', 'RequestRejected', /;/],
  ['err-param-vmid-too-small', 0, 'token', 'RequestRejected', /vmid/],
  ['err-unknown-node', 0, 'token', 'NodeOffline', /node nosuchnode.*Was the node removed/],
  ['err-unknown-node-storage', 0, 'token', 'NodeOffline', /can't resolve/],
  ['err-unknown-path', 0, 'token', 'RequestRejected', /Method 'GET \/nosuch' not implemented/],
  ['err-unknown-subpath', 0, 'token', 'RequestRejected', /not implemented/],
  ['err-unknown-storage-config', 0, 'token', 'StorageUnusable', /storage 'nosuch' does not exist/],
  ['err-unknown-storage-content', 0, 'token', 'StorageUnusable', /storage 'nosuch' does not exist/],
  ['get-cluster-resources-type-bad', 0, 'token', 'RequestRejected', /enumeration/],
  ['get-content-store-bad-type', 0, 'token', 'RequestRejected', /content/],
  ['get-tasks-bad-limit', 0, 'token', 'RequestRejected', /limit/],
  ['http-reason-phrase-non-ascii', 0, 'token', 'RequestRejected', /not implemented/],
  ['http-reason-phrase-non-ascii', 3, 'token', 'RequestRejected', /value 'sn€p' does not have/],
  ['http-reason-phrase-non-ascii', 4, 'token', 'SourceUnreadable', /isn't on the storage/],
  ['http-url-long', 0, 'token', 'RequestRejected', /the request was rejected/],
  ['perm-auditor-vzdump', 0, 'token', 'PrivilegeMissing', /Datastore.AllocateSpace on \/storage\/store/],
  ['perm-limited-vzdump', 0, 'token', 'PrivilegeMissing', /Datastore.AllocateSpace on \/storage\/store/],
  ['perm-nobody-vzdump', 0, 'token', 'PrivilegeMissing', /Datastore.AllocateSpace on \/storage\/store/],
  ['perm-nobody-lxc-config', 0, 'token', 'PrivilegeMissing', /VM.Audit on \/vms\/100/],
  ['perm-nobody-cluster-backup', 0, 'token', 'PrivilegeMissing', /Sys.Audit on \//],
  ['perm-nobody-storage-content', 0, 'token', 'PrivilegeMissing', /Datastore.Audit or Datastore.AllocateSpace/],
  ['perm-token-vzdump-dumpdir', 0, 'token', 'RequestRejected', /dumpdir: Only root may set this option/],
  ['perm-token-vzdump-script', 0, 'token', 'RequestRejected', /script: Only root may set this option/],
  ['perm-vm100-vzdump-other-storage', 0, 'token', 'PrivilegeMissing', /\/storage\/tiny/],
  ['perm-vm100-vzdump-tmpdir', 0, 'token', 'RequestRejected', /tmpdir/],
  ['pvedaemon-down', 2, 'token', 'NodeOffline', /595 Connection refused/],
  ['pvedaemon-down', 3, 'token', 'NodeOffline', /pvedaemon/],
  // No node in the path: it is the contacted host's own daemon.
  ['pvedaemon-down', 4, 'password', 'PlatformUnavailable', /systemctl status pvedaemon/],
  ['task-of-other-node', 0, 'token', 'RequestRejected', /no such task/],
  ['task-own-token-vs-user', 1, 'token', 'PrivilegeMissing', /Sys.Audit on \/nodes\/pve1/],
  ['task-upid-without-trailing-colon', 0, 'token', 'RequestRejected', /unable to parse worker upid/],
  ['upload-backup-content', 0, 'token', 'RequestRejected', /content/],
  ['vzdump-bad-all-and-vmid', 0, 'token', 'RequestRejected', /option conflicts/],
  ['vzdump-bad-fleecing', 0, 'token', 'RequestRejected', /fleecing/],
  ['vzdump-bad-job-id', 0, 'token', 'RequestRejected', /job-id/],
  ['vzdump-bad-notes-template-var', 0, 'token', 'RequestRejected', /variable 'nosuchvar'/],
  // A handler that died without a text we know may have got somewhere: never "nothing was started".
  ['vzdump-bad-pool', 0, 'token', 'unclear:PlatformUnavailable', /pool 'nosuchpool' does not exist/],
  ['vzdump-bad-prune-and-maxfiles', 0, 'token', 'RequestRejected', /maxfiles/],
  ['vzdump-bad-prune-format', 0, 'token', 'RequestRejected', /prune-backups/],
  ['vzdump-bad-prune-keepall-conflict', 0, 'token', 'RequestRejected', /keep-all/],
  ['vzdump-bad-quiet-word', 0, 'token', 'RequestRejected', /quiet: type check/],
]

interface ExpectedBackup {
  recording: string
  vmid: string
  kind: GuestKind
  storage?: string
  verdict: string
  says: RegExp
  archive?: string
}

const lxc = (recordingName: string, vmid: string, verdict: string, says: RegExp, more: Partial<ExpectedBackup> = {}) =>
  ({ recording: recordingName, vmid, kind: 'container', verdict, says, ...more }) satisfies ExpectedBackup
const qemu = (recordingName: string, verdict: string, says: RegExp, more: Partial<ExpectedBackup> = {}) =>
  ({ recording: recordingName, vmid: '200', kind: 'vm', verdict, says, ...more }) satisfies ExpectedBackup

/** Each recorded backup job, one guest of it, and the verdict it deserves. */
const backups: ExpectedBackup[] = [
  lxc('vzdump-ok-zstd', '100', 'archived', /the archive it made/, {
    archive: 'vzdump-lxc-100-2026_11_22-17_34_51.tar.zst',
  }),
  lxc('vzdump-ok-gzip', '100', 'archived', /\.tar\.gz/, { archive: 'vzdump-lxc-100-2026_11_22-17_34_53.tar.gz' }),
  lxc('vzdump-ok-default-storage', '104', 'archive-missing', /doesn't list/, {
    storage: 'local',
    archive: 'vzdump-lxc-104-2026_11_22-17_34_55.tar',
  }),
  lxc('vzdump-ok-multi', '100', 'archived', /vzdump-lxc-100/, {
    archive: 'vzdump-lxc-100-2026_11_22-17_34_57.tar.zst',
  }),
  lxc('vzdump-ok-multi', '104', 'archived', /vzdump-lxc-104/, {
    archive: 'vzdump-lxc-104-2026_11_22-17_34_57.tar.zst',
  }),
  lxc('vzdump-ok-multi', '101', 'backup-failed', /doesn't say that this guest/),
  lxc('vzdump-ok-protected-notes', '104', 'archived', /vzdump-lxc-104/, {
    archive: 'vzdump-lxc-104-2026_11_22-17_34_56.tar.zst',
  }),
  lxc('vzdump-quiet', '104', 'archived', /vzdump-lxc-104/, { archive: 'vzdump-lxc-104-2026_11_22-17_34_59.tar.zst' }),
  // After the job was over a notification failed: an ERROR line, and the backup is good.
  lxc('vzdump-bad-mailto', '100', 'archived', /vzdump-lxc-100/, { archive: 'vzdump-lxc-100-2026_11_22-17_35_11.tar' }),
  lxc('vzdump-bad-vmid-list-spaces', '104', 'archived', /104/, {
    archive: 'vzdump-lxc-104-2026_11_22-17_35_09.tar.zst',
  }),
  lxc('vzdump-bad-zstd-threads', '104', 'archived', /104/, { archive: 'vzdump-lxc-104-2026_11_22-17_35_12.tar' }),
  lxc('vzdump-all-long-log', '102', 'backup-failed', /CT is locked \(backup\).*pct unlock 102/),
  lxc('vzdump-all-long-log', '103', 'backup-failed', /subvol-103-disk-9/),
  lxc('vzdump-all-long-log', '104', 'backup-failed', /job errors/),
  lxc('vzdump-fail-broken-disk', '103', 'backup-failed', /volume 'ctdata:103.*does not exist/),
  lxc('vzdump-fail-disabled-storage', '100', 'backup-failed', /storage 'off' is disabled.*Bring storage off online/, {
    storage: 'off',
  }),
  lxc('vzdump-fail-hook-job-start', '104', 'backup-failed', /vzdump-hook job-start' failed: exit code 5/),
  lxc('vzdump-fail-locked', '102', 'backup-failed', /CT is locked \(backup\).*pct unlock 102/),
  lxc('vzdump-fail-mixed', '9999', 'backup-failed', /unable to find VM '9999'/),
  lxc('vzdump-fail-nonexistent', '9999', 'backup-failed', /unable to find VM '9999'/),
  lxc('vzdump-fail-nospace', '101', 'backup-failed', /exit code 70.*Storage tiny is full/, { storage: 'tiny' }),
  lxc('vzdump-fail-nospace-completely', '104', 'backup-failed', /exit code 70.*Storage tiny is full/, {
    storage: 'tiny',
  }),
  lxc(
    'vzdump-fail-offline-storage',
    '100',
    'backup-failed',
    /unable to activate storage 'gone'.*Bring storage gone online/,
    { storage: 'gone' },
  ),
  lxc('vzdump-fail-storage-wrong-content', '100', 'backup-failed', /wrong content type.*Allow content type "backup"/, {
    storage: 'ctdata',
  }),
  lxc(
    'vzdump-fail-unknown-storage',
    '100',
    'backup-failed',
    /storage 'nosuch' does not exist.*There is no storage nosuch/,
    { storage: 'nosuch' },
  ),
  lxc('vzdump-stop-param', '101', 'job-interrupted', /interrupted by signal/),
  lxc('vzdump-two-jobs-at-once', '101', 'archived', /101/, { archive: 'vzdump-lxc-101-2026_11_22-17_36_17.tar' }),
  lxc('vzdump-running-status-and-log-paging', '101', 'archived', /101/, {
    archive: 'vzdump-lxc-101-2026_11_22-17_35_45.tar',
  }),
  lxc(
    'vzdump-warnings-hook',
    '104',
    'archived-with-warnings',
    /WARNINGS: 1, first: command '\/usr\/local\/sbin\/vzdump-hook log-end/,
    {
      archive: 'vzdump-lxc-104-2026_11_22-17_35_38.tar.zst',
    },
  ),
  lxc('vzdump-warnings-hook-two-guests', '100', 'archived-with-warnings', /log-end stop 100/, {
    archive: 'vzdump-lxc-100-2026_11_22-17_35_40.tar.zst',
  }),
  lxc('vzdump-warnings-hook-two-guests', '104', 'archived-with-warnings', /log-end stop 104/, {
    archive: 'vzdump-lxc-104-2026_11_22-17_35_40.tar.zst',
  }),
  lxc('vzdump-warnings-and-failure', '9999', 'backup-failed', /unable to find VM '9999'/),
  lxc('perm-vm100-vzdump-100-and-101', '100', 'backup-failed', /403 Permission check failed \(\/vms\/101, VM.Backup\)/),
  lxc('task-log-still-empty', '104', 'archive-missing', /doesn't list/, {
    archive: 'vzdump-lxc-104-2026_11_22-17_59_55.tar.zst',
  }),
  lxc('task-stop-running-and-end', '101', 'job-interrupted', /interrupted by signal/),
  lxc('login-then-work-as-a-client-does', '100', 'archived', /100/, {
    archive: 'vzdump-lxc-100-2026_11_22-17_59_23.tar.zst',
  }),
  qemu('vzdump-fail-qemu', 'backup-failed', /bridge 'vmbr0' does not exist/),
  qemu('vzdump-qemu-fail-io-error', 'backup-failed', /Input\/output error/),
  qemu('vzdump-qemu-fail-and-lxc-ok', 'backup-failed', /Input\/output error/),
  qemu('vzdump-qemu-stopped-by-DELETE', 'job-interrupted', /interrupted by signal/),
  // Taken after the storage was listed for the last time, so no recorded list holds it.
  qemu('vzdump-qemu-suspend-mode', 'archive-missing', /vzdump-qemu-200-2026_11_22-17_56_40.vma/, {
    archive: 'vzdump-qemu-200-2026_11_22-17_56_40.vma',
  }),
]

/** Recordings that say nothing about this client, and why. */
const notRelevant: [pattern: RegExp, why: string][] = [
  [
    /^auth-login-(json-malformed|wrong-content-type-text|no-content-type|ok-json-body|ok-new-format|query-string-credentials|ok-realm-param)$/,
    'other ways to write the login; ours is the form with user@realm',
  ],
  [
    /^auth-ticket-(get|in-authorization-header|renewal)$/,
    'other ways to show or renew a ticket; ours is the cookie and the password',
  ],
  [/^auth-token-(change-password-not-allowed|privsep-no-rights-storage-list)$/, 'calls that we never make'],
  [
    /^cluster-backup-jobs-crud$|^get-cluster-(backup-jobs-empty|ha-status|index|nextid|not-backed-up|status|tasks|resources-type-storage)$/,
    'cluster calls that we never make',
  ],
  [
    /^err-(body-too-large|chunked-request|extjs-format-\d+|head|options|outside-api|root-page|no-format|unknown-format|jsonp|put-empty|invalid-node-name|trailing-slash|param-json-array|param-json-native-types|offline-storage-status|delete-with-empty-body-content-length-0)$/,
    'requests of a form that this client never sends',
  ],
  [
    /^(extractconfig|file-restore|prune|perm-auditor-prune|perm-nobody-prune)-|^lxc-(shutdown-not-running|start)$/,
    'single files, pruning on the platform and orders whose form is tested elsewhere',
  ],
  [
    /^get-(access|content-ctdata|content-prune|content-store-(iso|vmid-none)|content-tiny|lxc|node|pools|qemu|root|storage|vzdump)/,
    'lists that we never ask for',
  ],
  [
    /^get-tasks-(errors|limit-3|since-future|statusfilter-error|userfilter|typefilter)$/,
    'other filters than ours on the same rows',
  ],
  [
    /^http-(expect-100|garbage-request|gzip|gzip-small|path-dotdot|path-percent-encoded-slash-in-path|plain-on-tls-port|plain-post-on-tls-port)$/,
    'requests of a form that this client never sends',
  ],
  [/^perm-nobody-(lxc-list|storage-cfg|storage-list)$/, 'lists that we never ask for'],
  [/^task-index$|^upload-iso-ok$/, 'calls that we never make'],
]

/** Recordings that the tests below name one by one. */
const namedBelow = [
  'auth-login-ok',
  'auth-login-limited-user-caps',
  'auth-permissions-path',
  'auth-permissions-sep',
  'auth-ticket-7000s-old-ok',
  'auth-ticket-cookie-ok',
  'auth-ticket-cookie-percent-encoded',
  'auth-token-ok',
  'cluster-resources-after-everything',
  'content-delete-delay',
  'content-delete-misc',
  'content-delete-protected',
  'get-cluster-resources',
  'get-cluster-resources-type-node',
  'get-cluster-resources-type-vm',
  'get-content-store',
  'get-content-store-backup',
  'get-content-store-vmid',
  'get-nodes',
  'get-tasks-list',
  'get-tasks-source-active',
  'get-version',
  'http-10',
  'http-proxied-double-connection-header',
  'perm-auditor-content',
  'perm-nobody-nodes',
  'perm-nobody-resources',
  'perm-nobody-tasks',
  'perm-vm100-content',
  'restore-lxc-missing-volume',
  'restore-lxc-ok',
  'vzdump-guest-on-other-node-returns-OK-not-UPID',
]

const upidsIn = (exchanges: readonly Exchange[]): string[] => [
  ...new Set(
    JSON.stringify(exchanges).match(/UPID:[A-Za-z0-9-]+:[0-9A-F]+:[0-9A-F]+:[0-9A-F]+:vzdump:[^":\s]*:[^":\s]+:/g),
  ),
]

/** Every archive that any recorded list shows. */
function listedRows(): Map<string, unknown> {
  const rowSchema = z.object({ data: z.array(z.looseObject({ volid: z.string() })) })
  const rows = new Map<string, unknown>()
  for (const exchange of recordingNames().flatMap(recording)) {
    if (!/\/content(\?|$)/.test(exchange.request.path) || exchange.response.status !== 200) continue
    const parsed = rowSchema.safeParse(JSON.parse(exchange.response.body ?? '{}'))
    for (const row of parsed.data?.data ?? []) rows.set(row.volid, row)
  }
  return rows
}

describe.skipIf(!recordingsPresent)('the recorded exchanges with a real server', () => {
  const rows = recordingsPresent ? listedRows() : new Map<string, unknown>()

  /** The storage's lists and single volumes, where a recording of a job stops before them. */
  function storageAnswers(request: SeenRequest): Reply | undefined {
    const match = /^\/api2\/json\/nodes\/pve1\/storage\/(\w+)\/content(?:\/([^?]+))?(?:\?|$)/.exec(request.path)
    if (match === null) return undefined
    const [, storage = '', volume] = match
    if (volume === undefined) {
      return data([...rows].filter(([volid]) => volid.startsWith(`${storage}:`)).map(([, row]) => row))
    }
    const file = decodeURIComponent(volume).split('/').at(-1) ?? ''
    return data({ path: `/mnt/pve/${storage}/dump/${file}`, notes: 'web\n', protected: 0, format: 'raw', size: 512 })
  }

  it('are each replayed here, or named as not ours with a reason', () => {
    const covered = new Set([...refusals.map(([name]) => name), ...backups.map((one) => one.recording), ...namedBelow])
    const left = recordingNames().filter(
      (name) => !covered.has(name) && !notRelevant.some(([pattern]) => pattern.test(name)),
    )
    expect(left).toEqual([])
  })

  it.each(refusals)('%s, answer %i, asked with a %s, is %s', async (name, index, auth, error, says) => {
    const refused = await refusalOf(name, index, auth === 'token' ? tokenAuth : passwordAuth)
    expect(refused.name).toBe(error)
    expect(refused.message).toMatch(says)
    expect(refused.message).toContain('Site hq')
    expect(refused.message).not.toContain(tokenAuth.secret)
    expect(refused.message).not.toContain(passwordAuth.password)
  })

  /** Follow the recorded job to its end, and gather what is known of this guest. */
  async function expectedEvidence(expected: ExpectedBackup): Promise<BackupEvidence> {
    // The one list in a recording of a running job was taken while it ran, and is empty.
    const exchanges = recording(expected.recording).filter(
      ({ request, response }) => !(request.path.includes('/content?') && response.body === '{"data":[]}'),
    )
    const guest = { id: expected.vmid, kind: expected.kind, name: 'web', node: 'pve1' }
    const job = upidsIn(exchanges).find((upid) => [expected.vmid, ''].includes(upid.split(':')[6] ?? '')) ?? ''
    return against(
      exchanges,
      async (provider) => {
        // Some recordings show the task running first.
        for (let looks = 0; looks < 5 && (await provider.check(job)).running; looks += 1);
        return evidenceOf(provider, job, guest, expected.storage ?? 'store')
      },
      { others: storageAnswers },
    )
  }

  it.each(backups)('$recording, guest $vmid: $verdict', async (expected) => {
    const verdict = judge(await expectedEvidence(expected))
    expect(verdict).toMatchObject({ name: expected.verdict })
    expect(verdict.reason).toMatch(expected.says)
  })

  it.each(backups.filter(({ archive }) => archive !== undefined))(
    '$recording, guest $vmid: the log names $archive',
    async (expected) => {
      expect((await expectedEvidence(expected)).archiveName).toBe(expected.archive)
    },
  )

  it.each(backups.filter(({ verdict }) => verdict.startsWith('archived')))(
    '$recording, guest $vmid: $archive is found on the storage',
    async ({ archive = 'none', ...expected }) => {
      const { listed, listedAgainSizeBytes } = await expectedEvidence(expected)
      expect(listed?.artifactRef).toBe(`store:backup/${archive}`)
      expect(listed?.location).toEqual({
        node: 'pve1',
        path: `/mnt/pve/store/dump/${archive}`,
        storage: 'store',
        volume: `backup/${archive}`,
      })
      expect(listedAgainSizeBytes).toBe(listed?.sizeBytes)
    },
  )

  it('judge a second job that waited for the lock and was stopped as interrupted, not as lost', async () => {
    const exchanges = recording('vzdump-running-status-and-log-paging')
    const [, second = ''] = upidsIn(exchanges).filter(
      (upid) => upid.includes(':101:') && /00002A6B|00002B34/.test(upid),
    )
    const guest = { id: '101', kind: 'container', name: 'db', node: 'pve1' } as const
    const evidence = await against(exchanges, async (provider) => {
      while ((await provider.check(second)).running);
      // The recorded log of the running task comes first.
      await provider.tasks.log(second)
      return evidenceOf(provider, second, guest, 'store')
    })
    expect(evidence).toMatchObject({ exitStatus: 'unexpected status', ending: 'interrupted', logComplete: false })
    expect(judge(evidence).name).toBe('job-interrupted')
  })

  it.each(['get-version', 'auth-token-ok', 'http-10'])('%s: the version is read', async (name) => {
    expect(await against(recording(name), (provider) => provider.identify())).toEqual({ version: '9.2.11' })
  })

  it.each(['auth-ticket-cookie-ok', 'auth-ticket-7000s-old-ok', 'auth-ticket-cookie-percent-encoded'])(
    '%s: the version is read with a ticket',
    async (name) => {
      const seen = await against(
        recording(name),
        async (provider, _, requests) => {
          expect(await provider.identify()).toEqual({ version: '9.2.11' })
          return requests
        },
        { auth: passwordAuth },
      )
      const [login, version] = seen
      expect(login?.body).toBe(recording('auth-login-ok')[0]?.request.body)
      expect(version?.headers['cookie']).toMatch(/^PVEAuthCookie=PVE%3Abackup%40pve%3A[0-9A-F]{8}%3A%3A/)
      expect(version?.headers['csrfpreventiontoken']).toBeUndefined()
    },
  )

  it('an account without any rights logs in, and lacks everything', async () => {
    const exchanges = [...recording('auth-login-limited-user-caps'), ...recording('auth-permissions-sep')]
    const missing = await against(
      exchanges,
      (provider) => provider.missingPrivileges({ guestIds: ['100'], storage: 'store', deleteSource: false }),
      { auth: { username: 'limited@pve', password: 'Limit3d-pass' } },
    )
    expect(missing).toEqual([
      { privilege: 'Datastore.AllocateSpace', path: '/storage/store' },
      { privilege: 'Datastore.Audit', path: '/storage/store' },
      { privilege: 'VM.Audit', path: '/vms/100' },
      { privilege: 'VM.Backup', path: '/vms/100' },
    ])
  })

  it("an administrator's permissions on a storage hold for it", async () => {
    const missing = await against(recording('auth-permissions-path'), (provider) =>
      provider.missingPrivileges({ guestIds: [], storage: 'store', deleteSource: true }),
    )
    expect(missing).toEqual([])
  })

  it('guests are found with kind, node and lock, and one on a silent node is offline', async () => {
    const exchanges = [...recording('get-cluster-resources-type-vm'), ...recording('get-cluster-resources-type-node')]
    const found = await against(exchanges, (provider) => provider.findGuests(['100', '102', '200', '300', '999']))
    expect(found).toEqual([
      { id: '100', kind: 'container', name: 'web', node: 'pve1', nodeOffline: false },
      { id: '102', kind: 'container', name: 'locked', node: 'pve1', lock: 'backup', nodeOffline: false },
      { id: '200', kind: 'vm', name: 'winserver', node: 'pve1', nodeOffline: false },
      { id: '300', kind: 'container', name: '', node: 'pve2', nodeOffline: true },
    ])
  })

  it.each(['get-cluster-resources', 'cluster-resources-after-everything'])(
    '%s: rows of other types are passed over',
    async (name) => {
      const found = await against(recording(name), (provider) => provider.findGuests(['100']))
      expect(found.map(({ id, node }) => ({ id, node }))).toEqual([{ id: '100', node: 'pve1' }])
    },
  )

  it.each(['perm-nobody-resources', 'perm-nobody-nodes'])(
    '%s: an account that may see nothing finds no guests',
    async (name) => {
      const [exchange] = recording(name)
      if (exchange === undefined) throw new Error('empty recording')
      const asked = { ...exchange, request: { ...exchange.request, path: '/api2/json/cluster/resources' } }
      expect(await against([asked], (provider) => provider.findGuests(['100']))).toEqual([])
    },
  )

  it("of all recorded tasks, only this token's backups of the guest are jobs of ours", async () => {
    const guest = { id: '104', kind: 'container', name: 'tiny', node: 'pve1' } as const
    const [jobs, request] = await against(recording('get-tasks-list'), async (provider, _, requests) => [
      await provider.findJobs(guest, new Date('2026-11-22T17:00:00Z')),
      requests.at(-1),
    ])
    expect(jobs.length).toBeGreaterThan(0)
    expect(jobs.every(({ jobRef }) => jobRef.includes(':vzdump:104:backup@pve!client:'))).toBe(true)
    expect(jobs.every(({ running }) => !running)).toBe(true)
    expect(jobs.map(({ startedAt }) => startedAt)).toEqual(
      jobs
        .map(({ startedAt }) => startedAt)
        .toSorted()
        .toReversed(),
    )
    const query = new URLSearchParams(request?.path.split('?')[1])
    expect(Object.fromEntries(query)).toMatchObject({ source: 'all', typefilter: 'vzdump', vmid: '104' })
    // The node would compare it with its own clock, and leave out what still runs.
    expect(query.has('since')).toBe(false)
  })

  it('a running task, whose row writes user and token as one, is a job of ours', async () => {
    const [running] = recording('vzdump-running-status-and-log-paging').filter(({ request }) =>
      request.path.endsWith('/tasks?source=active'),
    )
    if (running === undefined) throw new Error('no such exchange')
    const guest = { id: '101', kind: 'container', name: 'db', node: 'pve1' } as const
    const jobs = await against([running], (provider) => provider.findJobs(guest, new Date(0)))
    expect(jobs).toEqual([
      {
        jobRef: 'UPID:pve1:00002A6B:0003CD3D:6B0327F1:vzdump:101:backup@pve!client:',
        startedAt: '2026-11-22T17:35:45.000Z',
        running: true,
      },
    ])
  })

  it.each(['get-tasks-source-active', 'perm-nobody-tasks'])('%s: no tasks, no jobs', async (name) => {
    const guest = { id: '101', kind: 'container', name: 'db', node: 'pve1' } as const
    expect(await against(recording(name), (provider) => provider.findJobs(guest, new Date(0)))).toEqual([])
  })

  it('the text OK in place of a task means that nothing was backed up', async () => {
    const guest = { id: '300', kind: 'container', name: '', node: 'pve1' } as const
    const options = { mode: 'snapshot', compress: 'zstd', storage: 'store' } as const
    await expect(
      against(recording('vzdump-guest-on-other-node-returns-OK-not-UPID'), (provider) =>
        provider.start(guest, options),
      ),
    ).rejects.toMatchObject({ name: 'NothingBackedUp', message: expect.stringContaining('guest 300') as unknown })
  })

  it('a whole run with a ticket, as a client does it: start, follow, prove, remove', async () => {
    const guest = { id: '100', kind: 'container', name: 'web', node: 'pve1' } as const
    const requests = await against(
      recording('login-then-work-as-a-client-does'),
      async (provider, _, seen) => {
        const options = { mode: 'snapshot', compress: 'zstd', storage: 'store', notes: '{{guestname}}' } as const
        const job = await provider.start(guest, options)
        expect(job).toEqual({
          jobRef: 'UPID:pve1:0000736A:0005F6FE:6B032D7B:vzdump:100:backup@pve:',
          startedAt: '2026-11-22T17:59:23.000Z',
          running: true,
          clock: { offsetSeconds: -36.5, uncertaintySeconds: 0.5, measuredAt: '2026-11-22T18:00:00.000Z' },
        })
        expect(await provider.check(job.jobRef)).toEqual({ running: false })
        const evidence = await evidenceOf(provider, job.jobRef, guest, 'store')
        expect(judge(evidence)).toMatchObject({ name: 'archived', good: true })
        // The list's size is exact; the single volume's (2098688) is rounded up to 512.
        expect(evidence.listed?.sizeBytes).toBeLessThan(2_098_688)
        expect(evidence.notes).toBe('web')
        expect(await provider.tasks.log(job.jobRef)).toMatch(/^INFO: starting new backup job[\s\S]*\nTASK OK\n$/)
        await freed(provider, evidence.listed?.artifactRef ?? '', 'pve1')
        return seen
      },
      { auth: passwordAuth },
    )
    const start = requests.find(({ path }) => path.endsWith('/vzdump'))
    expect(Object.fromEntries(new URLSearchParams(start?.body))).toEqual({
      vmid: '100',
      mode: 'snapshot',
      compress: 'zstd',
      storage: 'store',
      remove: '0',
      'notes-template': '{{guestname}}',
    })
    const writing = requests.filter(({ method, path }) => method !== 'GET' && !path.endsWith('/ticket'))
    expect(writing).toHaveLength(2)
    expect(writing.every(({ headers }) => headers['csrfpreventiontoken']?.startsWith('6B032D79:') === true)).toBe(true)
  })

  it('stopping a job waits until the task has ended', async () => {
    const exchanges = recording('vzdump-qemu-stopped-by-DELETE')
    const [job = ''] = upidsIn(exchanges)
    const running = data({ status: 'running' })
    let looks = 0
    const requests = await against(
      exchanges.filter(({ request }) => request.method === 'DELETE'),
      async (provider, _, seen) => {
        await provider.stop(job, 10)
        return seen
      },
      {
        others: ({ path }) => {
          if (!path.endsWith('/status')) return undefined
          looks += 1
          return looks < 4 ? running : data({ status: 'stopped', exitstatus: 'interrupted by signal' })
        },
      },
    )
    expect(requests.map(({ method }) => method)).toEqual(['GET', 'DELETE', 'GET', 'GET', 'GET'])
  })

  it('an archive that is protected is not removed, and the error says so', async () => {
    await expect(
      against(recording('content-delete-protected'), (provider) =>
        freed(provider, 'store:backup/vzdump-lxc-104-2026_11_22-17_34_56.tar.zst', 'pve1'),
      ),
    ).rejects.toMatchObject({ name: 'StorageUnusable', message: expect.stringContaining('protected') as unknown })
  })

  it('an archive whose removal the platform reports as done at once is removed', async () => {
    const requests = await against(recording('content-delete-delay'), async (provider, _, seen) => {
      await freed(provider, 'store:backup/vzdump-lxc-104-2026_11_22-17_34_58.tar.zst', 'pve1')
      return seen
    })
    expect(requests.map(({ method }) => method)).toEqual(['DELETE'])
  })

  it.each([
    ['store:backup/random.txt', 'RequestRejected'],
    ['nosuch:backup/vzdump-lxc-100-2001_01_01-00_00_00.tar.zst', 'StorageUnusable'],
    ['gone:backup/vzdump-lxc-100-2001_01_01-00_00_00.tar.zst', 'StorageUnusable'],
  ])('removing %s ends in %s', async (artifactRef, error) => {
    await expect(
      against(recording('content-delete-misc'), (provider) => freed(provider, artifactRef, 'pve1')),
    ).rejects.toMatchObject({ name: error })
  })

  it.each([
    'get-content-store',
    'get-content-store-backup',
    'get-content-store-vmid',
    'perm-vm100-content',
    'perm-auditor-content',
  ])('%s: an archive counts as there only when its own row is', async (name) => {
    const list = recording(name)
    const [job] = upidsIn(recording('vzdump-ok-protected-notes'))
    const task = recording('vzdump-ok-protected-notes').filter(({ request }) => request.path.includes('/tasks/'))
    const guest = { id: '104', kind: 'container', name: 'tiny', node: 'pve1' } as const
    const evidence = await against([...task, ...list], (provider) => evidenceOf(provider, job ?? '', guest, 'store'), {
      others: storageAnswers,
    })
    expect(judge(evidence).name).toBe(name.startsWith('perm-') ? 'archive-missing' : 'archived')
  })

  it('an answer with two Connection headers is read, and the connection is left', async () => {
    const [exchange] = recording('http-proxied-double-connection-header')
    const path = exchange?.request.path.slice('/api2/json'.length) ?? ''
    const page = await against(recording('http-proxied-double-connection-header'), (_, client) =>
      client.get(path, z.object({ type: z.string() }), client.about('look')),
    )
    expect(page.data.type).toBe('dir')
  })

  it('the list of nodes shows the fingerprint that a pin is made of', async () => {
    const page = await against(recording('get-nodes'), (_, client) =>
      client.get('/nodes', z.array(z.object({ ssl_fingerprint: z.string() })), client.about('look')),
    )
    expect(page.data[0]?.ssl_fingerprint).toMatch(/^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
  })

  const restoreOf = (id: string, node = 'pve1') => ({
    archive: {
      guest: { id: '100', kind: 'container', name: 'web' } as const,
      fileName: 'vzdump-lxc-100-2026_11_22-17_36_35.tar.zst',
      sizeBytes: 1,
      origin: 'an archive',
    },
    target: { id, node, storage: 'ctdata' },
    deliveryStorage: 'store',
  })
  const ARCHIVE = 'store:backup/vzdump-lxc-100-2026_11_22-17_36_35.tar.zst'

  it('a restore of a container ends well, is known by its archive, and shows what it made', async () => {
    const exchanges = [...recording('restore-lxc-ok'), ...recording('get-tasks-list')]
    await against(
      exchanges,
      async (provider, _, requests) => {
        const job = await provider.restores.create(restoreOf('150'), ARCHIVE, '0f1e2d3c4b5a6978')
        expect(job).toMatchObject({ startedAt: '2026-11-22T17:43:34.000Z', running: true })
        // As recorded, but for the root file system, which the archive's configuration gives its size.
        const asked = new URLSearchParams(recording('restore-lxc-ok')[0]?.request.body ?? '')
        asked.delete('rootfs')
        expect(Object.fromEntries(new URLSearchParams(requests.at(-1)?.body))).toEqual(Object.fromEntries(asked))
        expect(await provider.check(job.jobRef)).toEqual({ running: false })
        expect(await provider.restores.ending(job.jobRef)).toEqual({ ending: 'ok', exitStatus: 'OK', warnings: [] })
        const made = await provider.restores.describeMade({ id: '150', node: 'pve1', kind: 'container' })
        expect(made.disks).toMatchObject([{ key: 'rootfs', volume: 'ctdata:150/subvol-150-disk-0.subvol' }])
        const archived = z
          .object({ data: z.string() })
          .parse(JSON.parse(recording('extractconfig-ok')[0]?.response.body ?? ''))
        expect(compareConfiguration(archived.data, made.configuration, { kind: 'container' }).differences).toEqual([])
      },
      {
        others: ({ path }) => {
          if (path.includes('type=vm'))
            return data([{ vmid: 150, type: 'lxc', node: 'pve1', name: 'web', status: 'stopped' }])
          return path.includes('type=node') ? data([{ node: 'pve1', status: 'online' }]) : undefined
        },
      },
    )
  })

  it('a restore whose archive is gone fails in its task, with what to do', async () => {
    const gone = 'store:backup/vzdump-lxc-100-2001_01_01-00_00_00.tar.zst'
    await against(recording('restore-lxc-missing-volume'), async (provider) => {
      const { jobRef } = await provider.restores.create(restoreOf('151'), gone, '0f1e2d3c4b5a6978')
      expect(await provider.restores.ending(jobRef)).toMatchObject({
        ending: 'errors',
        exitStatus: `unable to restore CT 151 - volume '${gone}' does not exist`,
        advice: "The archive's file is gone from the storage: deliver it again.",
      })
    })
  })
})
