import { describe, expect, it } from 'vitest'
import type { LocalProcess } from '../../../../functions/contracts/process-identity.ts'
import { LEASE_SECONDS } from '../../../../functions/domain/backup/guest-claim.ts'
import { claimKey } from '../../../../functions/domain/books/object-keys.ts'
import { ownClaim, takeClaim } from '../../../../functions/operations/books/claims.ts'
import { deadLocalRuns } from '../../../../functions/operations/run/local-runs.ts'
import { recordFailure } from '../../../../functions/operations/backup/record-failure.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import { goodEvidence } from '../../../fakes/evidence.ts'
import { execution, type FakePorts, fakePorts, item, itemOf } from '../../../fakes/ports.ts'

const killed: LocalProcess = { host: 'nas', bootId: 'b', pidNamespace: 'pid:[1]', pid: 4711, startTicks: 100 }
const dead = (process: LocalProcess) => process.pid === killed.pid

async function claimed(more: Partial<FakePorts> = { localProcess: killed }): Promise<FakePorts> {
  const ports = { ...fakePorts(), ...more }
  await startBackup({ item, execution }, ports)
  return ports
}

describe('runs on one machine whose process is gone', () => {
  it('are found by the claims that they still hold, with all their executions', async () => {
    const ports = await claimed()
    const other = { ...item, guest: { ...item.guest, id: '101' } }
    await takeClaim({ item: other, execution: 'second' }, ports)
    expect(await deadLocalRuns('hq', dead, ports)).toEqual([
      { runId: item.run.id, startedAt: item.run.startedAt, executions: [execution, 'second'] },
    ])
    expect(await deadLocalRuns('elsewhere', dead, ports)).toEqual([])
  })

  it('are found also when their claims have lapsed: their jobs may run on', async () => {
    const ports = await claimed()
    ports.clock.now = new Date(ports.clock.now.getTime() + (LEASE_SECONDS + 1) * 1000)
    expect(await deadLocalRuns('hq', dead, ports)).toHaveLength(1)
  })

  it('are not those that live, gave their guests back, run on AWS, or whose claim nobody can read', async () => {
    const alive = await claimed({ localProcess: { ...killed, pid: 4712 } })
    expect(await deadLocalRuns('hq', dead, alive)).toEqual([])
    expect(await deadLocalRuns('hq', dead, await claimed({}))).toEqual([])
    const ended = await claimed()
    ended.fakeProvider.evidence = goodEvidence
    await recordFailure({ item, execution, error: { Error: 'StoreDenied', Cause: '403' } }, ended)
    expect(await deadLocalRuns('hq', dead, ended)).toEqual([])
    const broken = await claimed()
    await broken.store.writeText(claimKey('', 'hq', item.guest), '<html>')
    expect(await deadLocalRuns('hq', dead, broken)).toEqual([])
  })
})

describe('the process in a claim', () => {
  it('goes when a run of AWS takes the guest over, in the same run or in another', async () => {
    for (const next of [item, itemOf('next')]) {
      const { localProcess: _, ...ports } = await claimed()
      ports.clock.now = new Date(ports.clock.now.getTime() + (LEASE_SECONDS + 1) * 1000)
      await takeClaim({ item: next, execution: 'next' }, ports)
      const held = await ownClaim({ item: next, execution: 'next' }, ports)
      expect(held?.claim).toMatchObject({ released: false, jobRef: 'job-1' })
      expect(held?.claim.local).toBeUndefined()
      expect(await deadLocalRuns('hq', dead, ports)).toEqual([])
    }
  })

  it('is named to whoever finds the guest busy', async () => {
    const ports = await claimed()
    await expect(startBackup({ item: itemOf('next'), execution: 'next' }, ports)).rejects.toMatchObject({
      name: 'GuestBusy',
      message: expect.stringContaining('by run run-1 (process 4711 on nas), which holds it'),
    })
  })
})
