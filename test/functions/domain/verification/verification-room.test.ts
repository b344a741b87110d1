import { describe, expect, it } from 'vitest'
import type { DueArchive } from '../../../../functions/domain/verification/due-verifications.ts'
import { withinRun } from '../../../../functions/domain/verification/verification-room.ts'

const GIB = 2 ** 30
const guest = { kind: 'vm', id: '100' } as const
const ago = (days: number) => new Date(Date.parse('2026-11-22T12:00:00.000Z') - days * 86_400_000).toISOString()

describe('what one run has room for', () => {
  const archive = (name: string, gib: number, changes: Partial<DueArchive> = {}): DueArchive => ({
    folder: `archives/hq/vm-100/${name}/`,
    site: 'hq',
    guest,
    createdAt: ago(1),
    sizeBytes: gib * GIB,
    reason: 'It is due.',
    overdue: false,
    firstOfGuest: false,
    ...changes,
  })

  it('goes to overdue ones, then to guests that were never verified, then to the oldest', () => {
    const some = [
      archive('young', 1),
      archive('old', 1, { createdAt: ago(9) }),
      archive('never', 1, { firstOfGuest: true }),
      archive('late', 1, { overdue: true, createdAt: ago(1) }),
      archive('later', 1, { overdue: true, createdAt: ago(100) }),
    ]
    const names = withinRun(some, 100).planned.map(({ folder }) => folder.split('/').at(-2))
    expect(names).toEqual(['later', 'late', 'never', 'old', 'young'])
  })

  it('leaves what does not fit any more to the next run, and takes smaller ones behind it', () => {
    const { planned, unread } = withinRun([archive('a', 60), archive('b', 50), archive('c', 40)], 100)
    expect(planned.map(({ sizeBytes }) => sizeBytes / GIB)).toEqual([60, 40])
    expect(unread).toMatchObject([
      {
        why: 'no-room',
        reason: expect.stringMatching(/^not verified: this run reads 60\.0 GiB .* The next run goes on\.$/),
      },
    ])
  })

  it('says of one that is larger than all a run may read what to do', () => {
    expect(withinRun([archive('a', 101, { overdue: true })], 100).unread).toMatchObject([
      {
        overdue: true,
        reason: expect.stringMatching(/^not verified: it has 101\.0 GiB, .* Raise mostGiBPerRun, or ask/),
      },
    ])
  })
})
