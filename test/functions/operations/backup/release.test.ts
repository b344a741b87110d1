import { describe, expect, it } from 'vitest'
import { PlatformUnavailable, RequestRejected } from '../../../../functions/contracts/errors.ts'
import { recordFailure } from '../../../../functions/operations/backup/record-failure.ts'
import { releaseBackup } from '../../../../functions/operations/backup/release-backup.ts'
import { releaseMade } from '../../../../functions/operations/backup/release-made.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import { proxmoxTraits } from '../../../../functions/providers/proxmox/traits.ts'
import { begun } from '../../../fakes/begun.ts'
import { artifact, goodEvidence, stored } from '../../../fakes/evidence.ts'
import { execution, type FakePorts, fakePorts, item } from '../../../fakes/ports.ts'

const made = { guest: item.guest, sources: [{ artifactRef: 'snapshot-1', node: 'pve1' }] }
const slow = { released: false, waitSeconds: 60, reason: 'It still goes.' } as const

describe('a release', () => {
  it('is waited for while the platform is at it, no longer than six hours, and not by a definition that can not', async () => {
    const answer = async (waitedSeconds: number | undefined) => {
      const ports = fakePorts()
      ports.fakeProvider.releases = [slow]
      return releaseMade(made, item, waitedSeconds, ports)
    }
    expect(await answer(0)).toEqual({ waitSeconds: 60, reason: 'It still goes.' })
    expect(await answer(6 * 3600 - 1)).toHaveProperty('waitSeconds')
    for (const never of [6 * 3600, undefined]) {
      expect(await answer(never)).toEqual({ failed: 'It still goes. It goes on without being waited for.' })
    }
  })

  it('is asked for in steps that fill no history, however short the platform says', async () => {
    const ports = fakePorts()
    ports.fakeProvider.releases = [
      { ...slow, waitSeconds: 0.1 },
      { ...slow, waitSeconds: 9_999 },
    ]
    expect(await releaseMade(made, item, 0, ports)).toHaveProperty('waitSeconds', 30)
    expect(await releaseMade(made, item, 0, ports)).toHaveProperty('waitSeconds', 300)
  })

  it('is asked for again for half a minute while the platform is away, and at once no more when it refuses', async () => {
    const ports = fakePorts()
    ports.fakeProvider.onDelete = () => Promise.reject(new PlatformUnavailable('It is away.'))
    expect(await releaseMade(made, item, 0, ports)).toEqual({ waitSeconds: 10, reason: 'It is away.' })
    expect(await releaseMade(made, item, 30, ports)).toEqual({ failed: 'It is away.' })
    expect(await releaseMade(made, item, undefined, ports)).toEqual({ failed: 'It is away.' })
    ports.fakeProvider.onDelete = () => Promise.reject(new RequestRejected('No.'))
    expect(await releaseMade(made, item, 0, ports)).toEqual({ failed: 'No.' })
  })
})

describe('after a good backup', () => {
  it('holds the guest for as long as the release takes, and gives it back then', async () => {
    const ports = fakePorts()
    const moving = { ...item, deleteSource: true }
    const { startedAt } = begun(await startBackup({ item: moving, execution }, ports))
    ports.fakeProvider.releases = Array.from({ length: 10 }, () => slow)
    const verdict = { name: 'archived', good: true, reason: '' } as const
    const release = (waitedSeconds: number) =>
      releaseBackup(
        {
          item: moving,
          execution,
          artifacts: [artifact],
          stored: [stored],
          verdict,
          manifestKey: 'm',
          startedAt,
          waitedSeconds,
        },
        ports,
      )
    const other = { item: { ...moving, run: { ...item.run, id: 'run-2' } }, execution: 'other' }
    for (let waitedSeconds = 0; waitedSeconds < 3_000; waitedSeconds += 300) {
      expect(await release(waitedSeconds)).toEqual({ waitSeconds: 60, reason: 'It still goes.' })
      ports.clock.now = new Date(ports.clock.now.getTime() + 300_000)
    }
    await expect(startBackup(other, ports)).rejects.toMatchObject({ name: 'GuestBusy' })
    expect(await release(3_000)).toMatchObject({ outcome: 'succeeded' })
    ports.fakeProvider.jobs = []
    expect(await startBackup(other, ports)).toMatchObject({ adopted: false })
  })
})

describe('after a failure on a platform whose backups only serve the transfer', () => {
  const error = (name: string) => ({ Error: name, Cause: JSON.stringify({ errorType: name, errorMessage: 'why' }) })
  const { turns: _none, ...traits } = { ...proxmoxTraits, makes: 'temporary' as const }

  async function started(): Promise<FakePorts> {
    const ports = fakePorts()
    ports.fakeProvider.traits = traits
    await startBackup({ item, execution }, ports)
    ports.fakeProvider.evidence = goodEvidence
    return ports
  }

  it('what was made is released, and the guest is given back only when it is gone', async () => {
    const ports = await started()
    ports.fakeProvider.releases = [slow, { released: true }]
    const fail = (waitedSeconds: number) =>
      recordFailure({ item, execution, error: error('SourceChanged'), waitedSeconds }, ports)
    expect(await fail(0)).toEqual({ waitSeconds: 60, reason: 'It still goes.' })
    const claim = async () => JSON.parse((await ports.store.readText('claims/hq/vm-100.json'))?.text ?? '{}')
    expect(await claim()).toMatchObject({ released: false })
    expect(await fail(60)).toMatchObject({ outcome: 'failed', verdict: 'SourceChanged' })
    expect(await claim()).toMatchObject({ released: true })
  })

  it('holds the guest for as long as the release takes', async () => {
    const ports = await started()
    ports.fakeProvider.releases = Array.from({ length: 10 }, () => slow)
    for (let waitedSeconds = 0; waitedSeconds < 3_000; waitedSeconds += 300) {
      const answer = await recordFailure({ item, execution, error: error('SourceChanged'), waitedSeconds }, ports)
      expect(answer).toHaveProperty('waitSeconds')
      ports.clock.now = new Date(ports.clock.now.getTime() + 300_000)
    }
    const other = { ...item, run: { ...item.run, id: 'run-2' } }
    await expect(startBackup({ item: other, execution: 'other' }, ports)).rejects.toMatchObject({ name: 'GuestBusy' })
  })

  it('what a repeated guest goes on with stays, and the outcome says until when', async () => {
    const ports = await started()
    const outcome = await recordFailure({ item, execution, error: error('ConnectionDropped'), waitedSeconds: 0 }, ports)
    expect(ports.fakeProvider.calls.filter((call) => call.startsWith('release'))).toEqual([])
    expect(outcome).toMatchObject({ reason: expect.stringMatching(/stays: repeating this guest goes on with it/) })
  })

  it('a job that was stopped is not gone on with, however soon its release is asked for again', async () => {
    const ports = await started()
    ports.fakeProvider.running = true
    ports.fakeProvider.releases = [slow, { released: true }]
    const fail = (waitedSeconds: number) =>
      recordFailure({ item, execution, error: error('ConnectionDropped'), waitedSeconds }, ports)
    expect(await fail(0)).toEqual({ waitSeconds: 60, reason: 'It still goes.' })
    ports.fakeProvider.running = false
    expect(await fail(1)).toMatchObject({ outcome: 'failed', reason: 'why' })
    expect(ports.fakeProvider.releases).toEqual([])
    expect(JSON.parse((await ports.store.readText('claims/hq/vm-100.json'))?.text ?? '')).not.toHaveProperty('jobRef')
  })

  it('a release that fails is part of the reason, and keeps nothing else from being given back', async () => {
    const ports = await started()
    ports.fakeProvider.release = () => Promise.reject(new RequestRejected('No.'))
    const outcome = await recordFailure({ item, execution, error: error('SourceChanged'), waitedSeconds: 0 }, ports)
    expect(outcome).toMatchObject({ reason: expect.stringMatching(/could not be removed; the next sweep .* No\./) })
  })
})
