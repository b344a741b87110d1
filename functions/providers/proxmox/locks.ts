/**
 * What each lock of a guest's configuration means for a backup, and what to do about one that stays. Names: qemu-server
 * 9.2.6, pve-container 6.1.10. To unlock is right for few of them: it ends nothing and mends nothing, and it throws the
 * memory of a hibernated VM away.
 */
import {
  GuestLocked,
  GuestLockedBriefly,
  GuestLockStays,
  GuestMigrating,
  type GuestliftError,
} from '../../contracts/errors.ts'

/** Whom the lock holds. Without a kind, commands for both are named. */
export interface LockedGuest {
  id: string
  kind?: 'vm' | 'container'
  node?: string
}

interface LockFact {
  Fact: new (message: string) => GuestliftError
  /** To follow "the guest". */
  what: string
  /** What to do, in whole sentences. */
  advice: (guest: LockedGuest) => string
}

const next = 'It is archived by the next run.'
const unlockIf = (task: string) => (guest: LockedGuest) => `${next} If no ${task} of it runs, ${unlock(guest)}.`
const unfinished = (making: string) => () =>
  `It is archived by the next run once it is whole. If no task ${making} it any more, it never will be: remove it and make it anew. Unlocking it doesn't make it whole.`

const locks: Readonly<Record<string, LockFact>> = {
  backup: { Fact: GuestLocked, what: 'is being backed up by another job', advice: unlockIf('backup') },
  migrate: { Fact: GuestMigrating, what: 'is migrating', advice: unlockIf('migration') },
  snapshot: {
    Fact: GuestLockedBriefly,
    what: 'is having a snapshot taken',
    advice: (guest) =>
      `Run again when that has ended. If no task takes one, ${unlock(guest)}, and delete the snapshot that wasn't finished.`,
  },
  'snapshot-delete': {
    Fact: GuestLocked,
    what: 'is having a snapshot deleted',
    advice: (guest) => `${next} If no task deletes one, ${unlock(guest)}, and delete that snapshot again.`,
  },
  fstrim: { Fact: GuestLockedBriefly, what: 'is being trimmed', advice: unlockIf('trimming') },
  rollback: {
    Fact: GuestLocked,
    what: 'is going back to a snapshot',
    advice: (guest) =>
      `${next} If no rollback runs, it broke off, and the guest's disks may be of two times. Then ${unlock(guest)}, and roll it back again before it is used.`,
  },
  disk: {
    Fact: GuestLocked,
    what: 'is having a volume moved, resized or copied',
    advice: (guest) => `${next} If no task works on its volumes, see that they are whole and ${unlock(guest)}.`,
  },
  clone: { Fact: GuestLocked, what: 'is being cloned', advice: unfinished('clones') },
  create: { Fact: GuestLocked, what: 'is being created or restored', advice: unfinished('creates or restores') },
  import: { Fact: GuestLocked, what: 'is being imported', advice: unfinished('imports') },
  suspending: {
    Fact: GuestLockedBriefly,
    what: 'is being hibernated',
    advice: () => "Resume it when that has ended, and run again. Don't unlock it: its memory would be lost.",
  },
  suspended: {
    Fact: GuestLockStays,
    what: 'is hibernated, and Proxmox VE backs no hibernated guest up',
    advice: () =>
      "Start it, which resumes it, and run again; or exclude it from the job. Don't unlock it: its memory would be lost, as if its plug had been pulled.",
  },
  mounted: {
    Fact: GuestLockStays,
    what: 'has its file system mounted on the node',
    advice: ({ id, node }) =>
      `When nobody needs it there any more, run "pct unmount ${id}" on ${place(node)}, and run again. Don't unlock it: the file system would stay mounted.`,
  },
  destroyed: {
    Fact: GuestLockStays,
    what: 'is being removed, or its removal broke off',
    advice: () => 'Finish its removal, and take it out of the job.',
  },
}

/** One that is newer than this list. */
const unknown: LockFact = {
  Fact: GuestLocked,
  what: 'is held by an operation that Guestlift does not know',
  advice: () => `${next} If the lock stays, look in the node's task list for what set it before anything else.`,
}

/** Why a guest with this lock can't be backed up now. `at` says where, and may say what was being done. */
export function refusedByLock(lock: string, guest: LockedGuest, at: string): GuestliftError {
  const { Fact, what, advice } = factOf(lock)
  return new Fact(`${at}: the guest is locked (${lock}), it ${what}. ${advice(guest)}`)
}

/** What to do after a job met this lock. */
export function adviceOnLock(lock: string, guest: LockedGuest): string {
  const { what, advice } = factOf(lock)
  return `The guest ${what}. ${advice(guest)}`
}

/** The lock that a text of the platform's names, and of which kind the guest is, as that text says. */
export function lockIn(text: string): { lock: string; kind?: 'vm' | 'container' } | undefined {
  const [, what, lock] = /\b(?:(VM|CT)(?: \d+)? )?is locked \(([\w-]+)\)/.exec(text) ?? []
  if (lock === undefined) return undefined
  return { lock, ...(what === undefined ? {} : { kind: what === 'VM' ? 'vm' : 'container' }) }
}

/** How to free a guest whose lock was left behind. */
export function unlock({ id, kind, node }: LockedGuest): string {
  const vm = `"qm unlock ${id}"`
  const container = `"pct unlock ${id}"`
  const command = kind === undefined ? `${vm} (VM) or ${container} (container)` : kind === 'vm' ? vm : container
  return `run ${command} on ${place(node)}`
}

function factOf(lock: string): LockFact {
  return (Object.hasOwn(locks, lock) ? locks[lock] : undefined) ?? unknown
}

function place(node: string | undefined): string {
  return node === undefined ? 'its node' : `node ${node}`
}
