/** The clean-up as it would run: the synthesised definition, with the real operations over fakes behind its tasks. */
import { beforeAll, describe, expect, it } from 'vitest'
import { type TaskName, type TaskInput, tasks } from '../../../functions/contracts/tasks.ts'
import { planKey } from '../../../functions/domain/books/object-keys.ts'
import { findLeftovers } from '../../../functions/operations/backup/find-leftovers.ts'
import { recordFailure } from '../../../functions/operations/backup/record-failure.ts'
import { reportRun } from '../../../functions/operations/run/report-run.ts'
import { startBackup } from '../../../functions/operations/backup/start-backup.ts'
import { goodEvidence } from '../../fakes/evidence.ts'
import { execution, type FakePorts, fakePorts, item } from '../../fakes/ports.ts'
import { type FakeTask, run } from '../../local/asl/harness.ts'
import { type Synthesised, synthesise } from '../synthesise.ts'

let synthesised: Synthesised
beforeAll(async () => {
  synthesised = await synthesise('smallest')
})

const child = `${execution}-child`

/** As EventBridge tells of an execution that was stopped. */
const event = {
  executionArn: 'arn:aws:states:eu-central-1:1:execution:guestlift-test-export-run:run-1',
  name: item.run.id,
  status: 'ABORTED',
  startDate: Date.parse(item.run.startedAt),
  stopDate: Date.parse(item.run.startedAt) + 60_000,
  input: JSON.stringify({ site: 'hq', guests: { vmids: [100] } }),
  inputDetails: { included: true },
}

function input<Name extends TaskName>(name: Name, args: unknown): TaskInput<Name> {
  return tasks[name].input.parse((args as { Payload: unknown }).Payload) as TaskInput<Name>
}

async function cleanUp(ports: FakePorts, statuses: Record<string, string | Error>, more: object = {}) {
  const looked: string[] = []
  const answers: Record<string, FakeTask> = {
    'Find leftovers': async (args) => ({ Payload: await findLeftovers(input('FindLeftovers', args), ports) }),
    'Look at its execution': (args) => {
      const { ExecutionArn } = args as { ExecutionArn: string }
      looked.push(ExecutionArn)
      const Status = statuses[ExecutionArn]
      if (Status === undefined || Status instanceof Error) throw Status ?? new Error(`no execution ${ExecutionArn}`)
      return { ExecutionArn, Status, Input: '{}' }
    },
    'Record failure': async (args) => ({ Payload: await recordFailure(input('RecordFailure', args), ports) }),
    'Report run': async (args) => ({ Payload: await reportRun(input('ReportRun', args), ports) }),
  }
  const outcome = await run(synthesised.assembly.machines.cleanUpRun, { input: { ...event, ...more }, tasks: answers })
  return { ...outcome, looked }
}

/** A run that was stopped while its one guest was being dumped. */
async function stoppedRun(): Promise<FakePorts> {
  const ports = fakePorts()
  await ports.store.writeText(planKey(item.run.prefix), JSON.stringify([item]))
  await startBackup({ item, execution: child }, ports)
  ports.fakeProvider.running = true
  return ports
}

describe('cleaning up after a run that was stopped', () => {
  it('stops the running backup, gives the guest back, keeps what S3 has, and writes the report', async () => {
    const ports = await stoppedRun()
    const { result, states, seconds } = await cleanUp(ports, { [child]: 'ABORTED' })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(result.output).toMatch(
      /^The execution run-1 ended as ABORTED\. 1 of 1 guests cleaned up\. Guest 100: .*ABORTED/,
    )
    expect(ports.fakeProvider.calls).toEqual(expect.arrayContaining(['stopBackup job-1', 'awaitUnlocked 100']))
    // Functions of the stopped execution may still be at work.
    expect(seconds).toBeGreaterThanOrEqual(90)
    expect(states).toContain('Report run')
    const report = JSON.parse((await ports.store.readText(`${item.run.prefix}report.json`))?.text ?? '{}')
    expect(report).toMatchObject({ outcome: 'failed', guests: [{ id: '100', verdict: 'ExecutionEnded' }] })
    expect(report.notes[0]).toContain('ended as ABORTED')
    // The next run has the guest.
    ports.fakeProvider.running = false
    ports.fakeProvider.jobs = []
    const next = { ...item, run: { ...item.run, id: 'run-2' } }
    expect(await startBackup({ item: next, execution: 'next' }, ports)).toMatchObject({ adopted: false })
  })

  it('keeps a backup that had ended, and its archive on the platform, so that repeating the guest goes on with it', async () => {
    const ports = fakePorts()
    const moving = { ...item, deleteSource: true }
    await ports.store.writeText(planKey(item.run.prefix), JSON.stringify([moving]))
    await startBackup({ item: moving, execution: child }, ports)
    ports.fakeProvider.evidence = goodEvidence
    const { result } = await cleanUp(ports, { [child]: 'ABORTED' })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(ports.fakeProvider.calls.filter((call) => call.startsWith('release'))).toEqual([])
    const next = { ...moving, run: { ...item.run, id: 'run-2' } }
    const again = await startBackup({ item: next, execution: 'next' }, ports)
    expect(again).toMatchObject({ jobRef: 'job-1', adopted: true })
  })

  it('waits no longer than the event says, where whoever sent it knows that no function is left at work', async () => {
    const { result, seconds } = await cleanUp(await stoppedRun(), { [child]: 'ABORTED' }, { settleSeconds: 2 })
    expect(result).toMatchObject({ status: 'SUCCEEDED' })
    expect(seconds).toBeLessThan(90)
  })

  it('never touches a guest whose execution lives, and says so in a failure that is told', async () => {
    const ports = await stoppedRun()
    const { result } = await cleanUp(ports, { [child]: 'RUNNING' })
    expect(ports.fakeProvider.calls.filter((call) => call.startsWith('stop'))).toEqual([])
    expect(result).toMatchObject({ status: 'FAILED', error: 'CleanUpIncomplete' })
    expect(result.cause).toContain(`left alone, since ${child} works on it`)
  })

  it('tells which guest could not be cleaned up, and goes on with the others', async () => {
    const ports = await stoppedRun()
    const other = { ...item, guest: { ...item.guest, id: '101' } }
    await ports.store.writeText(planKey(item.run.prefix), JSON.stringify([item, other]))
    ports.fakeProvider.guests.push({ ...other.guest, nodeOffline: false })
    await startBackup({ item: other, execution: 'gone' }, ports)
    const { result, looked } = await cleanUp(ports, { [child]: 'TIMED_OUT' }, { status: 'TIMED_OUT' })
    expect(new Set(looked)).toEqual(new Set([child, 'gone']))
    expect(result).toMatchObject({ status: 'FAILED', error: 'CleanUpIncomplete' })
    expect(result.cause).toMatch(/Guest 100: .*TIMED_OUT/)
    expect(result.cause).toMatch(/Guest 101: .*no execution gone/)
  })

  it('has nothing to do for a run that was stopped before it had begun anything', async () => {
    const { result } = await cleanUp(fakePorts(), {})
    expect(result).toEqual(
      expect.objectContaining({
        status: 'SUCCEEDED',
        output: 'The execution run-1 ended as ABORTED. It had left nothing running.',
      }),
    )
  })

  it('cleans up after a guest that was repeated alone, without touching the report of its run', async () => {
    const ports = await stoppedRun()
    const more = { name: 'console-1', input: JSON.stringify(item) }
    const { result, states } = await cleanUp(ports, { [child]: 'ABORTED' }, more)
    expect(result.status).toBe('SUCCEEDED')
    expect(states).not.toContain('Report run')
    expect(ports.fakeProvider.calls).toContain('stopBackup job-1')
  })

  it('manages without the input, which the event leaves out when it is large', async () => {
    const ports = await stoppedRun()
    const { result } = await cleanUp(ports, { [child]: 'ABORTED' }, { input: undefined })
    expect(result.status).toBe('SUCCEEDED')
    expect(ports.fakeProvider.calls).toContain('stopBackup job-1')
  })
})
