import { beforeEach, describe, expect, it } from 'vitest'
import type { StoredVersion } from '../../../../functions/aws/version-store.ts'
import { ObjectFrozen, StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import { listPrices } from '../../../../functions/domain/prices/list-prices.ts'
import {
  archiveLock,
  isVerdictAlone,
  removeArchive,
  removeVerdictsAlone,
  resumeRemovals,
  untilText,
} from '../../../../functions/operations/pruning/remove-archive.ts'
import type { RetentionPorts } from '../../../../functions/operations/pruning/retention-ports.ts'
import { MemoryStore } from '../../../fakes/memory-store.ts'
import { MemoryVersions } from '../../../fakes/memory-versions.ts'

const guest = { id: '100', kind: 'vm' } as const
const FOLDER = 'archives/hq/vm-100/2026-11-01T02-00-00Z/'
const RECORD = 'retention/hq/vm-100/removing/2026-11-01T02-00-00Z.json'
const MANIFEST = `${FOLDER}manifest.json`
const DISK = `${FOLDER}disk.vma.zst`
const LOG = `${FOLDER}log.log`
const VERDICT = `${FOLDER}verification.json`
const INDEX = `${DISK}.index.zst`
const NOW = '2026-11-22T02:00:00.000Z'
const november = { legalHold: false, retainUntil: '2026-11-30T00:00:00.000Z' }
const december = { legalHold: false, retainUntil: '2026-12-31T00:00:00.000Z' }

const version = (key: string, its: Partial<StoredVersion> = {}): StoredVersion => ({
  key,
  versionId: 'null',
  latest: true,
  deleteMarker: false,
  sizeBytes: 1,
  writtenAt: '2026-11-01T02:00:00.000Z',
  storageClass: 'STANDARD',
  ...its,
})
const versions = [MANIFEST, DISK, LOG].map((key) => version(key))

describe('removing an archive', () => {
  let store: MemoryStore
  let bucket: MemoryVersions
  let ports: RetentionPorts

  beforeEach(async () => {
    store = new MemoryStore(() => new Date(NOW))
    bucket = new MemoryVersions(store)
    ports = {
      store,
      versions: bucket,
      keyPrefix: '',
      prices: listPrices,
      now: () => new Date(NOW),
      remainingMilliseconds: () => 900_000,
      log: () => undefined,
    }
    for (const key of [MANIFEST, DISK, LOG]) await store.writeText(key, 'x')
  })

  const remove = () => removeArchive('hq', guest, { folder: FOLDER, versions }, 'no rule keeps it', ports)
  const left = () => [...store.objects.keys()].toSorted()
  const record = async () => JSON.parse((await store.readText(RECORD))?.text ?? 'null') as unknown

  it('takes its manifest first and then all else, and leaves nothing, the record of it included', async () => {
    expect(await remove()).toBeUndefined()
    expect(bucket.asked).toEqual([MANIFEST, DISK, LOG])
    expect(left()).toEqual([])
  })

  it('writes down what goes and why before anything does', async () => {
    bucket.removeVersion = () => Promise.reject(new StoreUnavailable('cut'))
    await expect(remove()).rejects.toThrow('cut')
    expect(await record()).toEqual({
      version: 1,
      folder: FOLDER,
      reason: 'no rule keeps it',
      decidedAt: NOW,
      versions: versions.map(({ key }) => ({ key, versionId: 'null' })),
    })
  })

  it('leaves a record that another pruning put in the place of its own', async () => {
    const removeVersion = bucket.removeVersion.bind(bucket)
    bucket.removeVersion = async (one) => {
      await store.writeText(RECORD, 'of another')
      return removeVersion(one)
    }
    await remove()
    expect(left()).toEqual([RECORD])
  })

  it('leaves it whole where its manifest is locked, and keeps the record', async () => {
    bucket.locks.set(MANIFEST, november)
    expect(await remove()).toEqual(november)
    expect(bucket.asked).toEqual([MANIFEST])
    expect(left()).toEqual([MANIFEST, DISK, LOG, RECORD].toSorted())
  })

  it('goes on where another file is locked, tells the last date of all, and keeps the record for the rest', async () => {
    bucket.locks.set(DISK, december)
    bucket.locks.set(LOG, november)
    expect(await remove()).toEqual(december)
    expect(bucket.asked).toEqual([MANIFEST, DISK, LOG])
    expect(left()).toEqual([DISK, LOG, RECORD].toSorted())
  })

  it('takes along what a verification wrote meanwhile, and nothing that is only named alike', async () => {
    await store.writeText(VERDICT, '{}')
    await store.writeText(`${VERDICT}.mine`, 'a person’s')
    expect(await remove()).toBeUndefined()
    expect(left()).toEqual([`${VERDICT}.mine`])
  })

  describe('of which something was overwritten since it was judged', () => {
    const judged = async () => {
      const all: StoredVersion[] = []
      for await (const one of bucket.listVersions(FOLDER)) all.push(one)
      return [MANIFEST, DISK, LOG, VERDICT].flatMap((key) => all.filter((one) => one.key === key))
    }
    const removeJudged = async (judgedVersions: StoredVersion[]) =>
      removeArchive('hq', guest, { folder: FOLDER, versions: judgedVersions }, 'no rule keeps it', ports)

    it('leaves that file, says so, and leaves it to a person whenever the removal is resumed', async () => {
      const before = await judged()
      await store.writeText(DISK, 'another’s')
      await expect(removeJudged(before)).rejects.toMatchObject({
        name: 'ArchiveConflict',
        message: expect.stringContaining(`${DISK} was overwritten`),
      })
      expect(left()).toEqual([DISK, RECORD].toSorted())
      const resumed = await resumeRemovals('hq', guest, false, ports)
      expect(resumed).toMatchObject({ folders: [], warnings: [expect.stringContaining(`${DISK} was overwritten`)] })
      expect(left()).toEqual([DISK, RECORD].toSorted())
    })

    it('stays whole where that is its manifest', async () => {
      const before = await judged()
      await store.writeText(MANIFEST, 'another’s')
      await expect(removeJudged(before)).rejects.toMatchObject({ name: 'ArchiveConflict' })
      expect(left()).toEqual([MANIFEST, DISK, LOG, RECORD].toSorted())
    })

    it('goes all the same where it is what a verification found', async () => {
      await store.writeText(VERDICT, '{}')
      const before = await judged()
      await store.writeText(VERDICT, '{"later":true}')
      expect(await removeJudged(before)).toBeUndefined()
      expect(left()).toEqual([])
    })
  })

  it('takes with it the index that a verification wrote meanwhile, and no file beside it', async () => {
    await store.writeText(INDEX, 'late')
    await store.writeText(`${FOLDER}somebody.else`, 'x')
    expect(await remove()).toBeUndefined()
    expect(left()).toEqual([`${FOLDER}somebody.else`])
  })

  it('isn’t at its end while such a late verdict is locked', async () => {
    await store.writeText(VERDICT, '{}')
    bucket.locks.set(VERDICT, november)
    expect(await remove()).toEqual(november)
    expect(left()).toEqual([VERDICT, RECORD].toSorted())
  })

  describe('that holds it', () => {
    it('is nothing where no version is locked', async () => {
      expect(await archiveLock({ versions }, ports)).toBeUndefined()
    })

    it('is the last date of all its versions, and a legal hold on any of them', async () => {
      bucket.locks.set(DISK, december)
      bucket.locks.set(MANIFEST, november)
      expect(await archiveLock({ versions }, ports)).toEqual(december)
      bucket.locks.set(LOG, { legalHold: true })
      expect(await archiveLock({ versions }, ports)).toEqual({ ...december, legalHold: true })
    })

    it('is a legal hold without a date where there is no other', async () => {
      bucket.locks.set(LOG, { legalHold: true })
      expect(await archiveLock({ versions }, ports)).toEqual({ legalHold: true })
    })

    it('is not asked of delete markers, which have no locks', async () => {
      bucket.locks.set(LOG, november)
      expect(await archiveLock({ versions: [version(LOG, { deleteMarker: true })] }, ports)).toBeUndefined()
    })
  })

  describe('of which a verification left its verdict alone', () => {
    const rest = { folder: FOLDER, stored: [version(VERDICT)] }
    const archives = [{ ...rest, versions: [] }] as unknown as Parameters<typeof removeVerdictsAlone>[0]

    it('is told from an archive, from an empty folder, and from one that ever held anything else', () => {
      expect(isVerdictAlone(rest)).toBe(true)
      expect(isVerdictAlone({ ...rest, stored: [version(VERDICT), version(INDEX)] })).toBe(true)
      expect(isVerdictAlone({ ...rest, stored: [version(INDEX), version(DISK)] })).toBe(false)
      expect(isVerdictAlone({ ...rest, stored: [] })).toBe(false)
      expect(isVerdictAlone({ ...rest, stored: [version(VERDICT), version(MANIFEST, { latest: false })] })).toBe(false)
    })

    it('ends it, and in a dry run only says so', async () => {
      await store.writeText(VERDICT, '{}')
      expect(await removeVerdictsAlone(archives, true, ports)).toEqual({ folders: [FOLDER], warnings: [] })
      expect(left()).toContain(VERDICT)
      expect(await removeVerdictsAlone(archives, false, ports)).toEqual({ folders: [FOLDER], warnings: [] })
      expect(left()).not.toContain(VERDICT)
      expect(left()).toContain(MANIFEST)
    })

    it('says until when it is locked', async () => {
      await store.writeText(VERDICT, '{}')
      bucket.locks.set(VERDICT, november)
      expect(await removeVerdictsAlone(archives, false, ports)).toEqual({
        folders: [],
        warnings: [`What is left of ${FOLDER} is locked until 2026-11-30; it goes after that.`],
      })
    })

    it('is no archive that has more', async () => {
      const whole = [{ folder: FOLDER, stored: versions, versions }] as unknown as typeof archives
      expect(await removeVerdictsAlone(whole, false, ports)).toEqual({ folders: [], warnings: [] })
      expect(left()).toEqual([MANIFEST, DISK, LOG].toSorted())
    })
  })

  describe('that was cut short', () => {
    const begun = (its: object = {}) =>
      JSON.stringify({
        version: 1,
        folder: FOLDER,
        reason: '',
        decidedAt: NOW,
        versions: versions.map(({ key }) => ({ key, versionId: 'null' })),
        ...its,
      })
    const resume = (dryRun = false) => resumeRemovals('hq', guest, dryRun, ports)

    /** The manifest is gone already. */
    beforeEach(async () => {
      await store.remove(MANIFEST)
      await store.writeText(RECORD, begun())
    })

    it('comes to its end', async () => {
      expect(await resume()).toEqual({ folders: [FOLDER], warnings: [], records: 1 })
      expect(left()).toEqual([])
    })

    it('is only told of in a dry run', async () => {
      expect(await resume(true)).toEqual({ folders: [FOLDER], warnings: [], records: 1 })
      expect(left()).toEqual([DISK, LOG, RECORD].toSorted())
    })

    it('is decided anew where the archive is whole again; the record goes, but not in a dry run', async () => {
      await store.writeText(MANIFEST, 'x')
      expect(await resume(true)).toEqual({ folders: [], warnings: [], records: 1 })
      expect(left()).toContain(RECORD)
      expect(await resume()).toEqual({ folders: [], warnings: [], records: 1 })
      expect(left()).toEqual([MANIFEST, DISK, LOG].toSorted())
    })

    it('waits for the end of a lock, and says until when', async () => {
      bucket.locks.set(DISK, { ...november, legalHold: true })
      expect(await resume()).toEqual({
        folders: [],
        warnings: [`What is left of ${FOLDER} is locked until 2026-11-30 and by a legal hold; it goes after that.`],
        records: 1,
      })
      expect(left()).toEqual([DISK, RECORD].toSorted())
    })

    it('waits where its record is frozen, and the next record is looked at all the same', async () => {
      const next = FOLDER.replace('11-01', '11-02')
      await store.writeText(RECORD.replace('11-01', '11-02'), begun({ folder: next, versions: [] }))
      const read = store.readText.bind(store)
      store.readText = (key) => (key === RECORD ? Promise.reject(new ObjectFrozen('it is in Glacier')) : read(key))
      expect(await resume()).toEqual({
        folders: [next],
        warnings: ['A removal that was cut short goes on later: it is in Glacier.'],
        records: 2,
      })
      expect(left()).toEqual([DISK, LOG, RECORD].toSorted())
    })

    it.each([
      ['of a newer version', { version: 2 }, /was left alone\. .*newer|was left alone\./],
      ['that can’t be read', { version: 'one' }, /isn't a record of a removal and was left alone\.$/],
      [
        'of another guest',
        {
          folder: FOLDER.replace('vm-100', 'vm-1000'),
          versions: [{ key: LOG.replace('vm-100', 'vm-1000'), versionId: 'null' }],
        },
        /isn't a record of a removal/,
      ],
      [
        'of another archive of this guest',
        {
          folder: FOLDER.replace('11-01', '11-02'),
          versions: [{ key: LOG.replace('11-01', '11-02'), versionId: 'null' }],
        },
        /isn't a record of a removal/,
      ],
      [
        'that names a file of another archive',
        {
          versions: [version(LOG), version(LOG.replace('11-01', '11-02'))].map(({ key }) => ({ key, versionId: '1' })),
        },
        /isn't a record of a removal/,
      ],
    ])('touches nothing by a record %s', async (_, its, warning) => {
      await store.writeText(RECORD, begun(its))
      const before = left()
      const resumed = await resume()
      expect(resumed).toMatchObject({ folders: [], records: 1, warnings: [expect.stringMatching(warning)] })
      expect(resumed.warnings[0]).toContain(`s3://memory/${RECORD}`)
      expect(left()).toEqual(before)
      expect(bucket.asked).toEqual([])
    })

    it('touches nothing where the record was gone before it could be read', async () => {
      store.readText = async () => undefined
      expect((await resume()).folders).toEqual([])
      expect(bucket.asked).toEqual([])
    })
  })

  it.each([
    [{ legalHold: false, retainUntil: '2027-01-04T10:00:00.000Z' }, ' until 2027-01-04'],
    [{ legalHold: true }, ' by a legal hold'],
    [{ legalHold: true, retainUntil: '2027-01-04T10:00:00.000Z' }, ' until 2027-01-04 and by a legal hold'],
    [{ legalHold: false }, ''],
  ])('words a lock: %j%s', (lock, text) => {
    expect(untilText(lock)).toBe(text)
  })
})
