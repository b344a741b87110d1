import { describe, expect, it } from 'vitest'
import {
  type GuestClaim,
  guestClaimSchema,
  newClaim,
  RENEW_AFTER_SECONDS,
} from '../../../../functions/domain/backup/guest-claim.ts'
import {
  changeClaim,
  claimOn,
  forgetJob,
  ownClaim,
  releaseClaim,
  renewClaim,
  takeClaim,
} from '../../../../functions/operations/books/claims.ts'
import { recordFailure } from '../../../../functions/operations/backup/record-failure.ts'
import { startBackup } from '../../../../functions/operations/backup/start-backup.ts'
import { claimant, execution, type FakePorts, fakePorts, item, itemOf } from '../../../fakes/ports.ts'

const KEY = 'claims/hq/vm-100.json'
const mine = { item, execution }
const others = { item: itemOf('other'), execution: 'other' }

async function stored({ store }: FakePorts): Promise<GuestClaim> {
  return guestClaimSchema.parse(JSON.parse((await store.readText(KEY))?.text ?? ''))
}

/** As another execution does it between a look and a write. */
function overwrite(ports: FakePorts, change: Partial<GuestClaim>) {
  const claim = { ...newClaim({ runId: 'other', execution: 'other' }, ports.now()), ...change }
  return ports.store.writeText(KEY, JSON.stringify(claim))
}

function pass(ports: FakePorts, seconds: number) {
  ports.clock.now = new Date(ports.clock.now.getTime() + seconds * 1000)
}

/** Before each write of the operation, somebody else does something. Tells how many writes there were. */
function before(ports: FakePorts, act: (write: number) => Promise<unknown> | undefined) {
  const write = ports.store.writeText.bind(ports.store)
  const counted = { writes: 0 }
  let isTheirs = false
  ports.store.writeText = async (...args) => {
    if (!isTheirs) {
      counted.writes += 1
      isTheirs = true
      await act(counted.writes)
      isTheirs = false
    }
    return write(...args)
  }
  return counted
}

describe('a claim that another execution takes between look and write', () => {
  it('is lost to it: a change finds the guest busy, and says who has it until when', async () => {
    const ports = fakePorts()
    const held = await takeClaim(mine, ports)
    await overwrite(ports, {})
    await expect(changeClaim(mine, held, { jobRef: 'job-1' }, ports)).rejects.toMatchObject({
      name: 'GuestBusy',
      message: expect.stringMatching(/by run other, which holds it until 2026-11-22T02:20:05.000Z unless it renews\./),
    })
    expect((await stored(ports)).jobRef).toBeUndefined()
  })

  it('is lost to another execution of the same run, which the error names', async () => {
    const ports = fakePorts()
    const held = await takeClaim(mine, ports)
    await overwrite(ports, { runId: item.run.id, execution: 'repeat' })
    await expect(forgetJob(mine, held, ports)).rejects.toThrow(/by another execution of the same run \(repeat\)/)
  })

  it('is lost where it is gone altogether', async () => {
    const ports = fakePorts()
    const held = await takeClaim(mine, ports)
    ports.store.objects.delete(KEY)
    await expect(changeClaim(mine, held, {}, ports)).rejects.toThrow(
      /^Site hq: guest 100 is being backed up by another run, which holds it\. If that one is dead/,
    )
  })

  it('is lost at the first take as well, and is held all the same where the winner is this execution', async () => {
    const ports = fakePorts()
    before(ports, (write) => (write === 1 ? overwrite(ports, {}) : undefined))
    await expect(takeClaim(mine, ports)).rejects.toMatchObject({ name: 'GuestBusy' })
    const again = fakePorts()
    before(again, (write) => (write === 1 ? overwrite(again, claimant) : undefined))
    await expect(takeClaim(mine, again)).resolves.toMatchObject({ claim: claimant })
  })

  it('of a change starts no backup', async () => {
    const ports = fakePorts()
    // The first write takes the guest; the second would note that a backup is asked for.
    ports.randomToken = () => {
      void overwrite(ports, {})
      return '0123456789abcdef'
    }
    await expect(startBackup(mine, ports)).rejects.toMatchObject({ name: 'GuestBusy' })
    expect(ports.fakeProvider.calls).not.toContain('startBackup')
  })
})

describe('the own claim', () => {
  it('is none where nobody claimed the guest', async () => {
    const ports = fakePorts()
    expect(await ownClaim(mine, ports)).toBeUndefined()
    expect(await claimOn(item, ports)).toBeUndefined()
  })

  it.each([
    ['another run', others],
    ['another execution of the same run', { item, execution: 'repeat' }],
    ['an execution of that name in another run', { item: itemOf('other'), execution }],
  ])('is none while %s has the guest', async (_, theirs) => {
    const ports = fakePorts()
    await takeClaim(theirs, ports)
    expect(await ownClaim(mine, ports)).toBeUndefined()
    expect(await claimOn(item, ports)).toMatchObject({ execution: theirs.execution })
    expect(await ownClaim(theirs, ports)).toBeDefined()
  })

  it('is what cleaning up goes by: a run that never had the guest neither stops the other’s job nor frees its claim', async () => {
    const ports = fakePorts()
    await startBackup(others, ports)
    ports.fakeProvider.running = true
    const theirs = await stored(ports)
    await recordFailure({ ...mine, error: { Error: 'GuestBusy', Cause: '{}' } }, ports)
    expect(ports.fakeProvider.calls.filter((call) => call.startsWith('stopBackup'))).toEqual([])
    expect(await stored(ports)).toEqual(theirs)
  })
})

describe('taking a claim again', () => {
  it('changes nothing while it is held', async () => {
    const ports = fakePorts()
    const first = await takeClaim(mine, ports)
    pass(ports, 60)
    expect(await takeClaim(mine, ports)).toEqual(first)
    expect(await stored(ports)).toEqual(first.claim)
  })

  it('holds it anew where this execution had given it back', async () => {
    const ports = fakePorts()
    await releaseClaim(mine, await takeClaim(mine, ports), 'keep', ports)
    expect((await stored(ports)).released).toBe(true)
    const { claim, etag } = await takeClaim(mine, ports)
    expect(claim.released).toBe(false)
    expect((await stored(ports)).released).toBe(false)
    await expect(changeClaim(mine, { claim, etag }, {}, ports)).resolves.toBeDefined()
  })
})

describe('a job that is kept to be gone on with', () => {
  it('is kept since the first failure, however often it fails', async () => {
    const ports = fakePorts()
    const fail = async () =>
      releaseClaim(
        mine,
        await changeClaim(mine, await takeClaim(mine, ports), { jobRef: 'job-1' }, ports),
        'keep',
        ports,
      )
    await fail()
    const first = ports.now().toISOString()
    expect((await stored(ports)).keptSince).toBe(first)
    pass(ports, 3600)
    await fail()
    expect(await stored(ports)).toMatchObject({ keptSince: first, renewedAt: ports.now().toISOString() })
  })

  it('comes to another run with what a newer version wrote of it', async () => {
    const ports = fakePorts()
    const keptSince = ports.now().toISOString()
    const later: object = { released: true, jobRef: 'job-1', keptSince, madeUpLater: { by: 'v9' } }
    await overwrite(ports, later)
    await takeClaim(mine, ports)
    const text = (await ports.store.readText(KEY))?.text ?? ''
    expect(JSON.parse(text)).toMatchObject({ ...claimant, jobRef: 'job-1', madeUpLater: { by: 'v9' } })
  })
})

describe('renewing a claim', () => {
  it('writes nothing until it is due, and from then on says that this execution is alive', async () => {
    const ports = fakePorts()
    const { claim } = await takeClaim(mine, ports)
    pass(ports, RENEW_AFTER_SECONDS - 1)
    await renewClaim(mine, ports)
    expect((await stored(ports)).renewedAt).toBe(claim.renewedAt)
    pass(ports, 1)
    await renewClaim(mine, ports)
    expect((await stored(ports)).renewedAt).toBe(ports.now().toISOString())
  })

  it('is content where another function of this execution renewed at the same moment', async () => {
    const ports = fakePorts()
    await takeClaim(mine, ports)
    pass(ports, RENEW_AFTER_SECONDS)
    const counted = before(ports, (write) =>
      write === 1 ? overwrite(ports, { ...claimant, jobRef: 'job-1' }) : undefined,
    )
    await renewClaim(mine, ports)
    expect(counted.writes).toBe(1)
    expect(await stored(ports)).toMatchObject({ ...claimant, jobRef: 'job-1' })
  })

  it('tries once more where the other write left it due', async () => {
    const ports = fakePorts()
    await takeClaim(mine, ports)
    const old = ports.now().toISOString()
    pass(ports, RENEW_AFTER_SECONDS)
    const counted = before(ports, (write) =>
      write === 1 ? overwrite(ports, { ...claimant, renewedAt: old }) : undefined,
    )
    await renewClaim(mine, ports)
    expect(counted.writes).toBe(2)
    expect((await stored(ports)).renewedAt).toBe(ports.now().toISOString())
  })

  it('leaves it at two tries: each that loses means that this execution is known to be alive', async () => {
    const ports = fakePorts()
    await takeClaim(mine, ports)
    const old = ports.now().toISOString()
    pass(ports, RENEW_AFTER_SECONDS)
    const losing = before(ports, (write) => overwrite(ports, { ...claimant, renewedAt: old, jobRef: `job-${write}` }))
    await renewClaim(mine, ports)
    expect(losing.writes).toBe(2)
  })

  it('finds the guest busy where the claim lapsed and another has it now', async () => {
    const ports = fakePorts()
    await takeClaim(mine, ports)
    await overwrite(ports, {})
    await expect(renewClaim(mine, ports)).rejects.toMatchObject({ name: 'GuestBusy' })
  })

  it('keeps what a newer version wrote into it', async () => {
    const ports = fakePorts()
    await ports.store.writeText(KEY, JSON.stringify({ ...newClaim(claimant, ports.now()), madeUpLater: { by: 'v9' } }))
    pass(ports, RENEW_AFTER_SECONDS)
    await renewClaim(mine, ports)
    const text = (await ports.store.readText(KEY))?.text ?? ''
    expect(JSON.parse(text)).toMatchObject({ renewedAt: ports.now().toISOString(), madeUpLater: { by: 'v9' } })
  })
})
