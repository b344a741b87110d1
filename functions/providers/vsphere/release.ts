/** Removes what a backup made, and waits until the platform has really done it. */
import { PlatformTaskFailed } from '../../contracts/errors.ts'
import { isGone, VimFault } from '../../vsphere-api/vim-fault.ts'
import type { Ref } from '../../vsphere-api/xml.ts'
import type { MadeByBackup, ReleaseProgress, Stray } from '../provider.ts'
import { removeSnapshot } from './backup.ts'
import { clonesDoubt, type OwnClone, ownClones } from './clones.ts'
import { listMachines, readMachine } from './guests.ts'
import { formatJobRef, parseJobRef } from './identifiers.ts'
import { nameOfHost } from './places.ts'
import type { SiteSession } from './site-session.ts'
import { type OwnSnapshot, ownSnapshots } from './own-snapshots.ts'
import { begun, isOfKind, isUnderWay, recentTasks, type TaskInfo, taskOf } from './tasks.ts'

/** A removal takes as long as the delta is large: seconds for a quiet guest, hours for a busy one. */
const FIRST_WAIT_SECONDS = 10
const WAIT_SECONDS = 60
/** A short removal is seen to its end in the same call. */
const LOOKS = 3
const LOOK_MILLISECONDS = 2_000

/** Only what bears our mark, whatever the caller believes to know. */
export async function release(session: SiteSession, { guest, jobRef, token }: MadeByBackup): Promise<ReleaseProgress> {
  const job = jobRef === undefined ? undefined : parseJobRef(jobRef)
  const wanted = job?.token ?? token
  // Nothing was asked for, or by another version: the sweep looks at marks alone.
  if (wanted === undefined) return { released: true }
  const guestId = job?.guestId ?? guest.id
  const where = `host ${guest.node}, guest ${guestId}`
  return session.orFact(where, 'removing what the backup made', async () => {
    for (const clone of await ownClones(session, { token: wanted })) {
      const progress = await removeClone(session, clone, where)
      if (!progress.released) return progress
    }
    return removeSnapshotOf(session, guestId, wanted, where)
  })
}

/** Destroying deletes disks, so everything has to say that they are ours. */
async function removeClone(session: SiteSession, clone: OwnClone, where: string): Promise<ReleaseProgress> {
  const { vim, siteName } = session
  const { ref, name } = clone.machine
  const doubt = clonesDoubt(clone)
  if (doubt !== undefined) {
    throw new PlatformTaskFailed(
      `Site ${siteName}, ${where}: clone ${name} is not removed, for ${doubt}. Look at it, and remove it in the vSphere client.`,
    )
  }
  return finish(session, ref, /destroy/i, `clone ${name} is being removed`, () =>
    vim.write({ method: 'Destroy_Task', on: ref }),
  )
}

async function removeSnapshotOf(
  session: SiteSession,
  guestId: string,
  token: string,
  where: string,
): Promise<ReleaseProgress> {
  const { vim, owner } = session
  const read = await readMachine(vim, guestId)
  if (read === undefined) return { released: true }
  const { machine } = read
  const creating = (await recentTasks(vim, machine.ref)).find(
    (task) => isUnderWay(task) && isOfKind(task, /createSnapshot|\.clone/i),
  )
  if (creating !== undefined) {
    return {
      released: false,
      waitSeconds: FIRST_WAIT_SECONDS,
      reason: `The platform still works on it (${creating.kind}).`,
    }
  }
  const own = ownSnapshots(machine.snapshots, owner).filter(({ mark }) => mark.token === token)
  for (const { ref, name } of own) {
    const remove = () => vim.write(removeSnapshot(ref))
    const progress = await finish(session, machine.ref, /removeSnapshot/i, `snapshot ${name} is being removed`, remove)
    if (!progress.released) return progress
    // What a task calls a success isn't looked at: whether the snapshot is in the tree is.
    const now = await readMachine(vim, guestId)
    if (now !== undefined && ownSnapshots(now.machine.snapshots, owner).some((one) => one.mark.token === token)) {
      return { released: false, waitSeconds: WAIT_SECONDS, reason: `Snapshot ${name} is still there.` }
    }
  }
  return consolidated(session, guestId, where)
}

/** A removed snapshot may leave its files: they grow on, and the next backup fails. */
async function consolidated(session: SiteSession, guestId: string, where: string): Promise<ReleaseProgress> {
  const { vim, siteName } = session
  const machine = (await readMachine(vim, guestId))?.machine
  if (machine === undefined || !machine.consolidationNeeded) return { released: true }
  const tried = (await recentTasks(vim, machine.ref)).findLast((task) => isOfKind(task, /consolidate/i))
  if (tried === undefined || isUnderWay(tried)) {
    const consolidate = () => vim.write({ method: 'ConsolidateVMDisks_Task', on: machine.ref })
    const progress = await finish(session, machine.ref, /consolidate/i, 'its disks are being consolidated', consolidate)
    if (!progress.released) return progress
    if ((await readMachine(vim, guestId))?.machine.consolidationNeeded !== true) return { released: true }
  }
  const why = tried?.fault === undefined ? '' : ` (${tried.fault.said})`
  throw new PlatformTaskFailed(
    `Site ${siteName}, ${where}: CONSOLIDATION NEEDED. Our snapshot is removed, and its files are still there${why}. ` +
      'Consolidate the guest in the vSphere client: Snapshots, Consolidate.',
  )
}

/** Has something done by a task of the platform, unless one of that kind runs already, and looks whether it has ended. */
async function finish(
  session: SiteSession,
  machine: Ref,
  kind: RegExp,
  reason: string,
  begin: () => ReturnType<SiteSession['vim']['write']>,
): Promise<ReleaseProgress> {
  const { vim, deps } = session
  let task: TaskInfo | undefined
  try {
    const running = (await recentTasks(vim, machine)).find((one) => isUnderWay(one) && isOfKind(one, kind))
    const ref = running?.ref ?? begun(await begin())
    for (let looks = 1; ; looks += 1) {
      task = await taskOf(vim, ref)
      // It is gone some minutes after its end; what it did is looked at next.
      if (task === undefined || !isUnderWay(task)) break
      if (looks === LOOKS) {
        return {
          released: false,
          waitSeconds: WAIT_SECONDS,
          reason: `${capital(reason)}: ${task.progressPercent ?? 0} %.`,
        }
      }
      await deps.sleep(LOOK_MILLISECONDS)
    }
  } catch (error) {
    if (isGone(error)) return { released: true }
    if (isBusy(error))
      return { released: false, waitSeconds: WAIT_SECONDS, reason: 'The platform does something else with it.' }
    throw error
  }
  if (task?.fault === undefined || isGone(task.fault)) return { released: true }
  if (isBusy(task.fault))
    return { released: false, waitSeconds: WAIT_SECONDS, reason: 'The platform does something else with it.' }
  throw task.fault
}

function isBusy(error: unknown): boolean {
  return error instanceof VimFault && /^(TaskInProgress|ConcurrentAccess)$/.test(error.type)
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/**
 * Snapshots of all guests and clones in the staging folder that bear this site's mark. After `snapshot.maxHours` no copy
 * reads them any more, so nobody needs them, and they grow: that is sooner than other platforms' leftovers go.
 */
export async function findStrays(session: SiteSession, olderThan: Date): Promise<Stray[]> {
  return session.orFact('', 'looking for what backups left', async () => {
    const places = await session.places()
    const { machines } = await listMachines(session.vim)
    const clones = await ownClones(session)
    const strays = [
      ...machines.flatMap((machine) => {
        const node = nameOfHost(places, machine.host)
        return (
          ownSnapshots(machine.snapshots, session.owner)
            // A clone carries copies of its source's snapshots, if any, with marks of another guest.
            .filter(({ mark }) => mark.guestId === machine.id)
            .map((snapshot) => snapshotStray(machine.name, node, snapshot))
        )
      }),
      ...clones.map(({ machine, mark }) => ({
        what: `clone ${machine.name} of guest ${mark.guestId}`,
        made: madeBy(mark, nameOfHost(places, machine.host), machine.name),
        createdAt: mark.frozen?.at ?? mark.at,
      })),
    ]
    const { deps, site } = session
    const useless = deps.now().getTime() - site.snapshot.maxHours * 3_600_000
    const before = Math.max(olderThan.getTime(), useless)
    return strays.filter(({ createdAt }) => Date.parse(createdAt) < before)
  })
}

function snapshotStray(name: string, node: string, { mark, createdAt, name: snapshot }: OwnSnapshot): Stray {
  return {
    what: `snapshot ${snapshot} of guest ${mark.guestId} (${name})`,
    made: madeBy(mark, node, snapshot),
    createdAt,
    removeWith: `govc snapshot.remove -vm.uuid ${mark.guestId} ${snapshot}`,
  }
}

function madeBy(mark: OwnSnapshot['mark'], node: string, artifactRef: string): Stray['made'] {
  return {
    guest: { id: mark.guestId, kind: 'vm', name: '', node },
    jobRef: formatJobRef(mark),
    token: mark.token,
    sources: [{ artifactRef, node }],
  }
}
