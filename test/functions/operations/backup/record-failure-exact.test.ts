import { describe, expect, it } from 'vitest'
import { StoreUnavailable } from '../../../../functions/contracts/errors.ts'
import type { BackupEvidence } from '../../../../functions/contracts/evidence.ts'
import { dumpQueueSchema } from '../../../../functions/domain/backup/dump-queue.ts'
import { type GuestClaim, guestClaimSchema } from '../../../../functions/domain/backup/guest-claim.ts'
import { noteProgress } from '../../../../functions/operations/books/guest-progress.ts'
import { recordFailure } from '../../../../functions/operations/backup/record-failure.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import { ended } from '../../../fakes/ended.ts'
import { judgeProxmox } from '../../../fakes/judge.ts'
import { artifact, goodEvidence } from '../../../fakes/evidence.ts'
import { execution, type FakePorts, fakePorts, item, itemOf } from '../../../fakes/ports.ts'

const CLAIM = 'claims/hq/vm-100.json'
const EVIDENCE = `${item.run.prefix}evidence/100.json`
const error = (name: string) => ({ Error: name, Cause: JSON.stringify({ errorType: name, errorMessage: 'why' }) })
const fail = async (ports: FakePorts, name: string, its: object = {}) =>
  ended(await recordFailure({ item, execution, error: error(name), ...its }, ports))

async function started(): Promise<FakePorts> {
  const ports = fakePorts()
  await startBackup({ item, execution }, ports)
  ports.fakeProvider.evidence = goodEvidence
  return ports
}

/** Locate archive has found the archive. */
function located(ports: FakePorts, evidence: BackupEvidence = goodEvidence) {
  const verdict = judgeProxmox(evidence).name
  return ports.store.writeText(EVIDENCE, JSON.stringify({ evidence, sideFiles: [], verdict }))
}

async function claimIn({ store }: FakePorts): Promise<GuestClaim> {
  return guestClaimSchema.parse(JSON.parse((await store.readText(CLAIM))?.text ?? ''))
}

function pass(ports: FakePorts, seconds: number) {
  ports.clock.now = new Date(ports.clock.now.getTime() + seconds * 1000)
}

describe('the outcome of a guest that failed', () => {
  it('tells why, and how long it took since its job was asked for', async () => {
    const ports = await started()
    pass(ports, 90)
    expect(await fail(ports, 'BackupFailed')).toEqual({
      id: '100',
      name: 'web',
      kind: 'vm',
      node: 'pve1',
      outcome: 'failed',
      verdict: 'BackupFailed',
      reason: 'why',
      artifacts: [],
      bytesSent: 0,
      seconds: 90,
    })
  })

  it('counts from the run’s beginning where no job was asked for, and never below nothing', async () => {
    const ports = fakePorts()
    pass(ports, 55)
    expect((await fail(ports, 'NodeOffline')).seconds).toBe(60)
    const early = fakePorts()
    pass(early, -60)
    expect((await fail(early, 'NodeOffline')).seconds).toBe(0)
  })

  it('is a skip for what only keeps it from being archived now: then nobody asks how far it was', async () => {
    const ports = await started()
    await noteProgress(item, { stage: 'dumping' }, { percent: 32 }, ports)
    expect(await fail(ports, 'GuestBusy')).toMatchObject({ outcome: 'skipped', verdict: 'GuestBusy', reason: 'why' })
  })

  it('is that of the verdict where the backup failed and its evidence was kept', async () => {
    const ports = await started()
    await located(ports, { ...goodEvidence, ending: 'interrupted' })
    expect((await fail(ports, 'BackupFailed')).verdict).toBe('job-interrupted')
    const other = await started()
    await located(other, { ...goodEvidence, ending: 'interrupted' })
    expect((await fail(other, 'SourceChanged')).verdict).toBe('SourceChanged')
  })

  it('says how far it was: being dumped, until its archive was located', async () => {
    const ports = await started()
    await noteProgress(item, { stage: 'dumping' }, { percent: 32 }, ports)
    expect((await fail(ports, 'ConnectionDropped')).reason).toMatch(
      /^why\. It was last seen being dumped, 32 % done, at /,
    )
    const later = await started()
    await noteProgress(item, { stage: 'dumping' }, { percent: 32 }, later)
    await located(later)
    expect((await fail(later, 'ConnectionDropped')).reason).toBe(
      'why. Its backup was complete, and nothing of it was copied yet.',
    )
  })
})

describe('cleaning up after a guest that failed', () => {
  it('stops nothing for a claim that was given back, whatever job it names', async () => {
    const ports = await started()
    await fail(ports, 'ConnectionDropped')
    expect(await claimIn(ports)).toMatchObject({ released: true, jobRef: 'job-1' })
    ports.fakeProvider.running = true
    await fail(ports, 'ConnectionDropped')
    expect(ports.fakeProvider.calls.filter((call) => call.startsWith('stopBackup'))).toEqual([])
    // Nothing was stopped, so that the job is still there to be gone on with.
    expect(await claimIn(ports)).toMatchObject({ released: true, jobRef: 'job-1' })
  })

  it('gives back its turn to dump, and no other’s', async () => {
    const ports = await started()
    const neighbour = { ...item, guest: { ...item.guest, id: '200', node: 'pve2' } }
    ports.fakeProvider.guests = [{ ...neighbour.guest, nodeOffline: false }]
    await startBackup({ item: neighbour, execution: 'neighbour' }, ports)
    await fail(ports, 'BackupFailed')
    const queue = dumpQueueSchema.parse(JSON.parse((await ports.store.readText('dumps/hq.json'))?.text ?? ''))
    expect(queue.turns.map(({ guest }) => guest)).toEqual(['vm-200'])
  })

  it('looks at the very job and storage that the claim names', async () => {
    const ports = await started()
    await fail(ports, 'BackupFailed')
    expect(ports.fakeProvider.checked).toEqual(['job-1'])
    expect(ports.fakeProvider.gathered).toEqual([{ jobRef: 'job-1', guestId: '100', storage: item.backup.storage }])
  })

  it('looks for nothing on the platform where stopping the job failed: nobody knows what it did since', async () => {
    const ports = await started()
    ports.fakeProvider.running = true
    ports.fakeProvider.stop = () => Promise.reject(new TypeError('no answer'))
    ports.fakeProvider.gather = () => Promise.reject(new Error('it was looked for'))
    expect((await fail(ports, 'BackupFailed')).reason).toBe('why. Clean-up: stopping the job failed: no answer')
  })

  it('tells of each step that fails, and takes the others', async () => {
    const ports = await started()
    ports.fakeProvider.gather = () => Promise.reject(new Error('no log'))
    const { reason } = await fail(ports, 'BackupFailed')
    expect(reason).toBe('why. Clean-up: looking for what is left on the platform failed: no log')
    expect(await claimIn(ports)).toMatchObject({ released: true })
    expect(ports.logged).toContainEqual({
      event: 'clean-up-incomplete',
      fields: { site: 'hq', guest: '100', what: 'looking for what is left on the platform', message: 'no log' },
    })
  })

  it('says what is thrown as it is where that is no error', async () => {
    const ports = await started()
    ports.fakeProvider.gather = () => Promise.reject('just words')
    expect((await fail(ports, 'BackupFailed')).reason).toContain('failed: just words')
  })

  it('has told the outcome before it gives back the claim, so that a failure there hides nothing', async () => {
    const ports = await started()
    const write = ports.store.writeText.bind(ports.store)
    ports.store.writeText = (key, ...rest) =>
      key === CLAIM ? Promise.reject(new StoreUnavailable('gone')) : write(key, ...rest)
    expect((await fail(ports, 'BackupFailed')).reason).toBe('why')
    expect(await ports.store.listKeys(`${item.run.prefix}guests/`)).toHaveLength(1)
  })

  it('is not done where the claim can’t be read for the store’s sake: the step is repeated', async () => {
    const ports = await started()
    ports.store.readText = () => Promise.reject(new StoreUnavailable('503'))
    await expect(fail(ports, 'BackupFailed')).rejects.toThrow('503')
  })

  it('says of evidence that can’t be read that it was left as it is, and only once', async () => {
    const ports = await started()
    await ports.store.writeText(EVIDENCE, 'no json')
    const { reason } = await fail(ports, 'BackupFailed')
    expect(reason).toMatch(/^why\. Clean-up: .*evidence\/100\.json can't be read/)
    const again = await started()
    await again.store.writeText(EVIDENCE, 'no json')
    const [, told = ''] = /Clean-up: (.*)$/.exec(reason) ?? []
    const Cause = JSON.stringify({ errorType: 'RecordUnreadable', errorMessage: told })
    const repeated = await fail(again, 'RecordUnreadable', { error: { Error: 'RecordUnreadable', Cause } })
    expect(repeated.reason).toBe(told)
  })

  it.each([
    ['of a failure that says nothing of the bytes is kept', 'ConnectionDropped', false, true],
    ['that was stopped is not gone on with', 'ConnectionDropped', true, false],
    ['of a failure that is final is not gone on with', 'BackupFailed', false, false],
  ])('leaves the next run a job to go on with, or none: one %s', async (_, name, running, kept) => {
    const ports = await started()
    ports.fakeProvider.running = running
    await fail(ports, name)
    const next = { item: itemOf('next'), execution: 'next' }
    ports.fakeProvider.running = false
    ports.fakeProvider.jobs = []
    expect(await startBackup(next, ports)).toMatchObject({ adopted: kept })
  })

  it('says of an archive that was to leave that a repetition goes on with it, but not where its job was stopped', async () => {
    const leaving = { ...item, deleteSource: true }
    const evidence = { ...goodEvidence, removeWith: 'remove it' }
    const ports = await started()
    ports.fakeProvider.evidence = evidence
    expect((await fail(ports, 'ConnectionDropped', { item: leaving })).reason).toContain(
      'repeating this guest goes on with it',
    )
    const stopped = await started()
    stopped.fakeProvider.evidence = evidence
    stopped.fakeProvider.running = true
    expect((await fail(stopped, 'ConnectionDropped', { item: leaving })).reason).not.toContain('goes on with it')
    expect(stopped.fakeProvider.calls).toContain(`release ${artifact.artifactRef}`)
  })
})
