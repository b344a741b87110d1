/** The hand that reaches into a running lab: what a test, or a curious person, does to the site behind the API's back. */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fingerprintOf } from '../shared/certificate.ts'
import type { Shown } from './cluster.ts'
import { createDiskVerbs, type DiskVerbs } from './control-disks.ts'
import { type ControlVerbs, createVerbs, type OlderVerbs } from './control-verbs.ts'
import { removeImages } from './images.ts'
import type { Rest } from './rest.ts'
import { hostKeyFingerprint, newHostKey } from './ssh-keys.ts'
import type { SshServer } from './ssh-server.ts'
import { dumpDirectory, usage } from './storage-files.ts'
import type { Task } from './tasks.ts'
import {
  findGuest,
  findNode,
  findStorage,
  type LabGuest,
  type LabStorage,
  onNode,
  type SiteData,
  unixSeconds,
  type World,
} from './world.ts'

export interface LabControl extends ControlVerbs, DiskVerbs {
  /** 1 as configured, 0 holds all tasks, Infinity finishes them at once. */
  setTaskSpeed(speed: number): void
  /** Let running tasks do this many seconds of work now. */
  advanceTasks(seconds: number): void
  setSecondsPerDump(seconds: number): void
  /** Move the site's clock; tickets and tokens age by it. */
  advanceClock(seconds: number): void
  /** Change a guest in place: lock it, stop it, give it another size. */
  guest(vmid: number, change: Partial<LabGuest>): LabGuest
  lockGuest(vmid: number, lock?: string): void
  migrateGuest(vmid: number, node: string): void
  removeGuest(vmid: number): void
  /** A node that doesn't answer; `refusal` is what the proxy then says. */
  setNodeOnline(name: string, online: boolean, refusal?: string): void
  /** pvedaemon on the node contacted: while it is down, protected calls meet 595. */
  setDaemonRunning(running: boolean): void
  storage(id: string, change: Partial<LabStorage>): LabStorage
  setStorageOnline(id: string, online: boolean): void
  /** Leave only this many bytes free. */
  fillStorage(id: string, freeBytes?: number): void
  tasks(): readonly Task[]
  /** SIGKILL: the log ends in the middle and the guest stays locked. */
  killTask(upid: string): void
  forgetTask(upid: string): void
  /** Cut off the end of a finished task's log. */
  truncateLog(upid: string, lines: number): void
  /** Remove from a task's log every line that matches. */
  dropLogLines(upid: string, pattern: RegExp): void
  endOfTask(upid: string): Promise<Task | undefined>
  /** Every ticket handed out so far stops working. */
  expireTickets(): void
  expireToken(tokenId: string): void
  /** Archive files on this machine by name, newest last. */
  archives(): { file: string; path: string }[]
  /** Replace an archive by other content of the same or another size, as a second backup in the same second would. */
  replaceArchive(file: string, content?: Buffer): void
  touchArchive(file: string, mtime: Date): void
  truncateArchive(file: string, bytes: number): void
  removeArchive(file: string): void
  renameArchive(file: string, to: string): void
  /** The site's vzdump hook script, or none. */
  hook(script: SiteData['hook'] | undefined): void
  setBackupJobs(jobs: Record<string, string>[]): void
  /** What the site answers when it is asked for its set-up at a path. */
  setConfiguration(path: string, data: unknown): void
  /** Replace all access control entries by those that this makes of them. */
  changeAcl(change: (acl: SiteData['acl']) => SiteData['acl']): void
  /** Show another certificate; returns its fingerprint. */
  presentOtherCertificate(): string
  /** Show another SSH host key; returns its fingerprint. */
  presentOtherHostKey(): string
  presentOwnHostKey(): void
  chrootSsh(path: string): void
  sshConnections(): number
}

export function createControl(
  world: World,
  clock: { shiftMs: number },
  rest: Rest,
  ssh: SshServer,
  shown: Shown,
): LabControl {
  const guestOf = (vmid: number): LabGuest => {
    const guest = findGuest(world, vmid)
    if (guest === undefined) throw new Error(`the lab has no guest ${vmid}`)
    return guest
  }
  const storageOf = (id: string): LabStorage => {
    const storage = findStorage(world, id)
    if (storage === undefined) throw new Error(`the lab has no storage ${id}`)
    return storage
  }
  const taskOf = (upid: string): Task => {
    const task = world.tasks.find(upid)
    if (task === undefined) throw new Error(`the lab has no task ${upid}`)
    return task
  }
  const archives = (): { file: string; path: string }[] => {
    const directories = new Set(
      world.site.storages.flatMap((storage) =>
        world.site.nodes.map((node) => dumpDirectory(world, storage, node.name)),
      ),
    )
    return [...directories]
      .filter((directory) => existsSync(directory))
      .flatMap((directory) => readdirSync(directory).map((file) => ({ file, path: join(directory, file) })))
      .filter(({ file }) => /\.(tgz|(tar|vma)(\.(?:zst|gz|lzo|bz2))?)$/.test(file))
      .toSorted((a, b) => statSync(a.path).mtimeMs - statSync(b.path).mtimeMs)
  }
  const archive = (file: string): string => {
    const found = archives().find((each) => each.file === file)
    if (found === undefined) throw new Error(`the lab has no archive ${file}`)
    return found.path
  }
  const older = {
    lockGuest: (vmid, lock) => {
      if (lock === undefined) delete guestOf(vmid).lock
      else guestOf(vmid).lock = lock
      world.save()
    },
    removeGuest: (vmid) => {
      removeImages(world, guestOf(vmid))
      world.site.guests.splice(world.site.guests.indexOf(guestOf(vmid)), 1)
      world.save()
    },
    storage: (id, change) => {
      const storage = Object.assign(storageOf(id), change)
      world.save()
      return storage
    },
    fillStorage: (id, freeBytes = 0) => {
      const storage = storageOf(id)
      storage.foreignBytes = 0
      const node = world.site.nodes.find((each) => onNode(storage, each.name))?.name ?? ''
      storage.capacityBytes += Math.max(0, freeBytes - usage(world, storage, node).avail)
      storage.foreignBytes = Math.max(0, usage(world, storage, node).avail - freeBytes)
      world.save()
    },
  } satisfies OlderVerbs & Partial<LabControl>
  return {
    ...older,
    ...createVerbs(world, clock, shown, older),
    ...createDiskVerbs(world),
    setTaskSpeed: (speed) => world.pace.setSpeed(speed),
    advanceTasks: (seconds) => world.pace.advance(seconds),
    setSecondsPerDump: (seconds) => {
      world.secondsPerDump = seconds
    },
    advanceClock: (seconds) => {
      clock.shiftMs += seconds * 1000
    },
    guest: (vmid, change) => {
      const guest = Object.assign(guestOf(vmid), change)
      world.save()
      return guest
    },
    migrateGuest: (vmid, node) => {
      guestOf(vmid).node = node
      world.save()
    },
    setNodeOnline: (name, online, refusal) => {
      const node = findNode(world, name)
      if (node === undefined) throw new Error(`the lab has no node ${name}`)
      node.online = online
      if (refusal !== undefined) node.refusal = refusal
      world.save()
    },
    setDaemonRunning: (running) => {
      rest.daemonDown = !running
    },
    setStorageOnline: (id, online) => {
      storageOf(id).online = online
      world.save()
    },
    tasks: () => world.tasks.all(),
    killTask: (upid) => world.tasks.kill(upid),
    forgetTask: (upid) => world.tasks.forget(upid),
    truncateLog: (upid, lines) => {
      taskOf(upid).lines.length = Math.min(lines, taskOf(upid).lines.length)
    },
    dropLogLines: (upid, pattern) => {
      const task = taskOf(upid)
      task.lines = task.lines.filter((line) => !pattern.test(line))
    },
    endOfTask: async (upid) => {
      await world.tasks.ended(upid)
      return world.tasks.find(upid)
    },
    expireTickets: () => {
      // Tickets carry whole seconds: one made in this very second must go too.
      world.site.ticketsValidFrom = unixSeconds(world) + 1
      clock.shiftMs += 1_000
      world.save()
    },
    expireToken: (tokenId) => {
      const [userid, id] = tokenId.split('!')
      const token = world.site.users.find((user) => user.userid === userid)?.tokens.find((each) => each.id === id)
      if (token === undefined) throw new Error(`the lab has no token ${tokenId}`)
      token.expire = 1
      world.save()
    },
    archives,
    replaceArchive: (file, content) => {
      const path = archive(file)
      if (content === undefined) {
        copyFileSync(path, `${path}.other`)
        truncateSync(`${path}.other`, Math.max(1, statSync(path).size - 512))
      } else writeFileSync(`${path}.other`, content)
      renameSync(`${path}.other`, path)
    },
    touchArchive: (file, mtime) => utimesSync(archive(file), mtime, mtime),
    truncateArchive: (file, bytes) => truncateSync(archive(file), bytes),
    removeArchive: (file) => rmSync(archive(file)),
    renameArchive: (file, to) => renameSync(archive(file), join(dirname(archive(file)), to)),
    hook: (script) => {
      if (script === undefined) delete world.site.hook
      else world.site.hook = script
      world.save()
    },
    changeAcl: (change) => {
      world.site.acl = change(world.site.acl)
      world.save()
    },
    setBackupJobs: (jobs) => {
      world.site.backupJobs = jobs
      world.save()
    },
    setConfiguration: (path, data) => {
      world.site.configuration = { ...world.site.configuration, [path]: data }
      world.save()
    },
    presentOtherCertificate: () => fingerprintOf(shown.showStranger().cert),
    presentOtherHostKey: () => {
      const key = newHostKey()
      ssh.present(key)
      return hostKeyFingerprint(key)
    },
    presentOwnHostKey: () => ssh.present(),
    chrootSsh: (path) => ssh.chroot(path),
    sshConnections: () => ssh.connections,
  }
}
