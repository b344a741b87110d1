import { afterEach, describe, expect, it } from 'vitest'
import { openSiteBench, type SiteBench } from '../site-bench.ts'

let bench: SiteBench | undefined
afterEach(async () => {
  await bench?.close()
  bench = undefined
})

async function open(...options: Parameters<typeof openSiteBench>): Promise<SiteBench> {
  bench = await openSiteBench(...options)
  return bench
}

describe('guestlift backups', () => {
  it('lists archives of all storages and nodes, newest first, and the newest of a guest', async () => {
    const { guestlift, json, backUp } = await open()
    const older = await backUp('101', 'before the upgrade')
    const other = await backUp('103')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const newer = await backUp('101')

    const { code, result } = await json('backups', 'list')
    const archives = result['archives'] as { artifactRef: string; node: string; guestId: string }[]
    expect(code).toBe(0)
    expect(archives[0]?.artifactRef).toBe(newer)
    expect(archives.map(({ artifactRef }) => artifactRef).toSorted()).toEqual([newer, older, other].toSorted())
    expect(archives.find(({ artifactRef }) => artifactRef === other)).toMatchObject({ node: 'pve2', guestId: '103' })

    const shown = await guestlift('backups', 'list', '--guest', '101', '--storage', 'local')
    expect(shown.code).toBe(0)
    expect(shown.stdout.split('\n')[0]).toContain(newer)
    expect(shown.stdout).toContain('"before the upgrade"')
    expect(shown.stdout).toContain('2 archives, ')
    expect(shown.stdout).not.toContain(other)

    const latest = await json('backups', 'latest', '101')
    expect(latest).toMatchObject({ code: 0, result: { archive: { artifactRef: newer } } })
    const none = await json('backups', 'latest', '102')
    expect(none).toMatchObject({ code: 1, result: { archive: null } })
  })

  it('says what it could not see or read, with exit code 2, instead of showing a short list', async () => {
    const { lab, json, guestlift, backUp } = await open({
      // May look at the storage and back up guest 101 alone.
      acl: ['backup@pve', 'backup@pve!guestlift'].flatMap((who) => [
        { path: '/vms/101', who, role: 'GuestliftRun', propagate: true },
        { path: '/storage', who, role: 'GuestliftRun', propagate: true },
        { path: '/vms/103', who, role: 'GuestliftRun', propagate: true },
      ]),
    })
    const seen = await backUp('101')
    await backUp('103')
    lab.control.setNodeOnline('pve2', false)
    const partial = await json('backups', 'list', '--storage', 'local')
    expect(partial.code).toBe(2)
    expect(partial.result).toMatchObject({
      archives: [{ artifactRef: seen }],
      unread: [{ node: 'pve2', storage: 'local' }],
    })
    lab.control.setNodeOnline('pve2', true)
    const file = lab.control.archives().find(({ file: name }) => name.includes('lxc-101'))?.file ?? ''
    lab.control.renameArchive(file, file.replace('lxc-101', 'lxc-102'))
    const short = await guestlift('backups', 'list', '--storage', 'local')
    expect(short.code).toBe(2)
    expect(short.stdout).toMatch(/NOT SHOWN: 1 on storage local \(node pve1\).*VM\.Backup/)
  })

  it('removes only with --confirm, leaves protected ones, and never takes one that is not there for done', async () => {
    const { lab, guestlift, json, backUp } = await open()
    const [plain, kept] = [await backUp('101'), await backUp('100')]
    expect((await guestlift('backups', 'protect', kept)).stdout).toContain(`protected now: ${kept} on pve1`)
    expect((await json('backups', 'protect', kept)).result).toMatchObject({ archives: [{ outcome: 'already' }] })

    const dry = await guestlift('backups', 'delete', plain, kept)
    expect(dry.code).toBe(2)
    expect(dry.stdout).toContain(`would be removed: ${plain} on pve1`)
    expect(dry.stdout).toMatch(/protected: .*unprotect/)
    expect(dry.stderr).toContain('--confirm')
    expect(lab.control.archives()).toHaveLength(2)

    const done = await json('backups', 'delete', plain, kept, 'nosuch.tar.zst', '--confirm')
    expect(done).toMatchObject({
      code: 2,
      result: { dryRun: false, archives: [{ outcome: 'removed' }, { outcome: 'protected' }, { outcome: 'gone' }] },
    })
    expect(lab.control.archives().map(({ file }) => `local:backup/${file}`)).toEqual([kept])
    const again = await json('backups', 'delete', plain, '--node', 'pve1', '--confirm')
    expect(again).toMatchObject({ code: 1, result: { archives: [{ outcome: 'gone' }] } })

    expect((await guestlift('backups', 'unprotect', kept)).code).toBe(0)
    expect((await json('backups', 'delete', kept, '--confirm')).code).toBe(0)
    expect(lab.control.archives()).toEqual([])
  })

  it('does not take a storage that it may not see for one without archives', async () => {
    const { lab, guestlift, json, backUp } = await open()
    const ref = await backUp('101')
    // From now on the account may only look at another storage.
    lab.control.changeAcl((acl) =>
      acl.map((entry) => (entry.path === '/storage' ? { ...entry, path: '/storage/nas' } : entry)),
    )
    const list = await guestlift('backups', 'list')
    expect(list.stdout).toMatch(
      /^0 archives, .*\nMAY LACK ARCHIVES: Site hq: backup@pve!guestlift doesn't hold Datastore\.Audit/m,
    )
    expect(list.code).toBe(2)
    const latest = await guestlift('backups', 'latest', '101')
    expect(latest.stdout).toMatch(
      /No archive of guest 101 was found where this account could look\.\nMAY LACK ARCHIVES/,
    )
    expect(latest.code).toBe(1)
    for (const command of ['delete', 'protect', 'notes']) {
      const reason = expect.stringMatching(/no storage local, or .* lacks Datastore\.Audit/)
      expect(await json('backups', command, ref)).toMatchObject({
        code: 1,
        result: { archives: [{ outcome: 'failed', reason }] },
      })
    }
    const reason = expect.stringMatching(/Not everything was searched/)
    expect(await json('backups', 'protect', ref.slice('local:backup/'.length))).toMatchObject({
      code: 1,
      result: { archives: [{ outcome: 'not-found', reason }] },
    })
  })

  it('fails for names of archives, storages and nodes that are not there', async () => {
    const { json, guestlift, backUp } = await open()
    const ref = await backUp('101')
    for (const command of ['delete', 'protect']) {
      expect(await json('backups', command, ref.replace('101', '909'))).toMatchObject({
        code: 1,
        result: { archives: [{ outcome: 'gone' }] },
      })
      expect(await json('backups', command, ref.replace('local', 'nope'))).toMatchObject({
        code: 1,
        result: { archives: [{ outcome: 'failed', reason: expect.stringMatching(/no storage nope/) }] },
      })
    }
    const nowhere = await guestlift('backups', 'list', '--node', 'nope')
    expect(nowhere.stderr).toMatch(/Site hq has no node nope\. Its nodes: pve1, pve2\./)
    expect(nowhere.code).toBe(1)
  })

  it('wants to know which one is meant when a name is on two nodes', async () => {
    const { lab, json, backUp } = await open()
    const ref = await backUp('101')
    lab.control.migrateGuest(101, 'pve2')
    const other = await backUp('101')
    const [oldFile, newFile] = [ref, other].map((each) => each.slice('local:backup/'.length))
    lab.control.renameArchive(newFile ?? '', oldFile ?? '')
    expect(await json('backups', 'delete', oldFile ?? '', '--confirm')).toMatchObject({
      code: 1,
      result: { archives: [{ outcome: 'ambiguous', reason: expect.stringMatching(/pve1.*pve2/) }] },
    })
    const named = await json('backups', 'delete', oldFile ?? '', '--node', 'pve2', '--confirm')
    expect(named).toMatchObject({ code: 0, result: { archives: [{ outcome: 'removed', node: 'pve2' }] } })
  })

  it('shows and replaces notes, and keeps what was there in its answer', async () => {
    const { guestlift, json, backUp } = await open()
    const ref = await backUp('101', 'old')
    expect((await guestlift('backups', 'notes', ref)).stdout.trim()).toBe('old')
    const changed = await json('backups', 'notes', ref, 'two\nlines & 100 % ü')
    expect(changed).toMatchObject({
      code: 0,
      result: { archives: [{ outcome: 'changed', notes: 'two\nlines & 100 % ü', reason: 'Before: "old"' }] },
    })
    expect((await guestlift('backups', 'notes', ref)).stdout).toBe('two\nlines & 100 % ü\n')
    expect((await json('backups', 'notes', ref, '')).result).toMatchObject({ archives: [{ notes: '' }] })
    expect((await json('backups', 'notes', 'local:backup/x.tar', 'x', '--node', 'pve1')).code).toBe(1)
  })

  it("previews the platform's own pruning, by given rules or the storage's, and changes nothing", async () => {
    const { lab, guestlift, json, backUp } = await open()
    const older = await backUp('101')
    await new Promise((resolve) => setTimeout(resolve, 1100))
    const newer = await backUp('101')
    const asked = ['backups', 'prune-preview', '--storage', 'local']
    const preview = await json(...asked, '--keep-last', '1', '--guest', '101')
    expect(preview).toMatchObject({
      code: 0,
      result: {
        rules: { 'keep-last': 1 },
        marks: [
          { artifactRef: newer, mark: 'keep' },
          { artifactRef: older, mark: 'remove' },
        ],
      },
    })
    const without = await guestlift(...asked)
    expect(without.code).toBe(1)
    expect(without.stderr).toMatch(/no retention of its own.*Name the rules/)
    lab.control.storage('local', { pruneBackups: 'keep-last=1' })
    expect((await guestlift(...asked)).stdout).toContain('1 of 2 would be removed. Nothing was changed.')
    const wrong = await guestlift(...asked, '--keep-all', '--keep-last', '1')
    expect(wrong.code).toBe(64)
    expect(wrong.stderr).toContain('keep-all cannot be combined')
    expect(lab.control.archives()).toHaveLength(2)
  })

  it("tells a storage that doesn't exist from a wrong command line", async () => {
    const { guestlift, json } = await open()
    const storage = await json('backups', 'list', '--storage', 'nosuch')
    expect(storage).toMatchObject({
      code: 1,
      result: { outcome: 'failed', summary: expect.stringMatching(/no storage nosuch/) },
    })
    expect((await guestlift('backups', 'latest', 'web/01')).code).toBe(64)
    expect((await guestlift('backups', 'delete')).code).toBe(64)
  })
})
