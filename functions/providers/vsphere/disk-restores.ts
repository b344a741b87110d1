/** Archived disks become files of a datastore, and a guest of them. What each method promises stands in the capability. */
import { GuestNotFound, SourceUnreadable } from '../../contracts/errors.ts'
import type { MadeOfDisks } from '../../contracts/restore-record.ts'
import type { BroughtDisks, DiskRestores, DisksState } from '../capabilities/disk-restores.ts'
import { archivedGuest } from './archived-guest.ts'
import { COMPARE_PATHS, compareMade } from './compare-made.ts'
import { readMachine } from './guests.ts'
import { makeGuest } from './make-guest.ts'
import { removeRestored } from './remove-restored.ts'
import { restoreTarget } from './restore-target.ts'
import type { SiteSession } from './site-session.ts'

export function vsphereDiskRestores(session: SiteSession): DiskRestores {
  const { siteName } = session

  /** Their bytes were read back; here it is whether somebody took them away since. */
  async function stateOf({ disks }: BroughtDisks): Promise<DisksState> {
    for (const { target, ref } of disks) {
      if (target.type !== 'datastore-disk') continue
      const { datacenter, datastore, path, sizeBytes } = target
      const file = await session.files
        .open({ datacenter, datastore, path, host: '' }, ref, async () => true)
        .catch((error: unknown) => {
          if (error instanceof SourceUnreadable) return undefined
          throw error
        })
      file?.close()
      if (file?.identity.sizeBytes === sizeBytes) continue
      return {
        state: 'missing',
        said: `${ref} is gone, or another file lies there. Look who did that, and restore again.`,
      }
    }
    return { state: 'whole' }
  }

  async function compare({ archive, target }: BroughtDisks, made: readonly MadeOfDisks[]) {
    const id = made[0]?.ref ?? ''
    const guest = archivedGuest(archive.description)
    const read = await readMachine(session.vim, id, COMPARE_PATHS)
    if (guest !== undefined && read !== undefined) return compareMade(guest, read, target.guest.unique)
    throw new GuestNotFound(`Site ${siteName}: guest ${id}, which was restored, is gone.`)
  }

  return {
    checkTarget: (intended) => session.orFact('', 'checking the target', () => restoreTarget(session, intended)),
    stateOf: (brought) => session.orFact('', 'looking at the disks', () => stateOf(brought)),
    make: (brought) => session.orFact('', 'RegisterVM_Task', () => makeGuest(session, brought)),
    compare: (brought, made) => session.orFact('', 'comparing the guest', () => compare(brought, made)),
    removeMade: (disks, token) =>
      session.orFact('', 'removing what was restored', () => removeRestored(session, disks, token)),
  }
}
