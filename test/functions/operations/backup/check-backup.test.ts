import { describe, expect, it } from 'vitest'
import { LEASE_SECONDS } from '../../../../functions/domain/backup/guest-claim.ts'
import { checkBackup } from '../../../../functions/operations/backup/check-backup.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import { begun } from '../../../fakes/begun.ts'
import { execution, fakePorts, item, itemOf } from '../../../fakes/ports.ts'

describe('checking a backup', () => {
  it('says when to look again, and how far the platform says it is', async () => {
    const ports = fakePorts()
    ports.fakeProvider.running = true
    ports.fakeProvider.progressPercent = 40
    const input = { item, execution, jobRef: 'job-1', startedAt: '2026-11-22T01:50:05.000Z' }
    const { done, waitSeconds, progressPercent } = await checkBackup(input, ports)
    expect({ done, progressPercent }).toEqual({ done: false, progressPercent: 40 })
    expect(waitSeconds).toBeGreaterThan(30)
    ports.fakeProvider.running = false
    await expect(checkBackup(input, ports)).resolves.toMatchObject({ done: true, waitSeconds: 0 })
  })

  it('keeps the guest claimed for as long as the job runs', async () => {
    const ports = fakePorts()
    const { jobRef, startedAt } = begun(await startBackup({ item, execution }, ports))
    ports.fakeProvider.running = true
    for (let looks = 0; looks < 10; looks += 1) {
      await ports.sleep((LEASE_SECONDS - 60) * 1000)
      await checkBackup({ item, execution, jobRef, startedAt }, ports)
      await expect(startBackup({ item: itemOf('other'), execution }, ports)).rejects.toMatchObject({
        name: 'GuestBusy',
      })
    }
  })
})
