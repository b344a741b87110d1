/** A container's backup: the lines that pve-container's VZDump/LXC.pm writes, and the tar behind them. */
import { runCopy, Interrupted, NoSpace, type Gate } from './archive-file.ts'
import { type Compressor, compress } from './dumps/compress.ts'
import { type ContainerContent, writeContainerTar } from './dumps/container-tar.ts'
import { configText } from './guest-config.ts'
import { describeMode, fallsShort, type GuestBackup, logSize, logTarget, readError, strike } from './vzdump-context.ts'
import { renderBytes, tarCommand, tarTotals } from './vzdump-text.ts'
import { imageOf } from './images.ts'
import type { LabGuest, World } from './world.ts'

const COMMAND: Record<Compressor, string> = {
  none: '',
  gzip: '| gzip --rsyncable ',
  lzo: '| lzop ',
  zstd: "| zstd '--threads=1' ",
}

function contentOf(world: World, guest: LabGuest, startedAt: number): ContainerContent {
  const root = guest.disks.find(({ key }) => key === 'rootfs')
  const members = root === undefined ? undefined : imageOf(world, guest, root)
  if (members === undefined && root?.stored === true) throw new Error(`volume '${root.volume}' does not exist`)
  return {
    ...(members === undefined ? {} : { members }),
    hostname: guest.name,
    config: configText(guest),
    dataBytes: guest.dataBytes,
    compressible: guest.compressible,
    seed: guest.seed,
    mtime: new Date(startedAt * 1000),
    mountPoints: guest.disks.flatMap((disk) => (disk.backup && disk.key !== 'rootfs' ? (disk.mountPoint ?? []) : [])),
  }
}

function describeGuest({ guest, log }: GuestBackup): void {
  log('INFO', `CT Name: ${guest.name}`)
  for (const disk of guest.disks) {
    const at = disk.mountPoint ?? '/'
    if (disk.key === 'rootfs') log('INFO', "including mount point rootfs ('/') in backup")
    else if (disk.backup) log('INFO', `including mount point ${disk.key} ('${at}') in backup`)
    else log('INFO', `excluding volume mount point ${disk.key} ('${at}') from backup (disabled)`)
  }
}

/** Counts the tar's bytes and keeps it in step with the task. */
async function* paced(
  content: ContainerContent,
  gate: Gate,
  signal: AbortSignal,
  count: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  // Small files and directories come before the data; the share is a guess there and right at the end.
  const expected = content.dataBytes + 20_480
  let done = 0
  for await (const chunk of writeContainerTar(content)) {
    done += chunk.length
    count(done)
    yield chunk
    await gate.report(Math.min(0.999, done / expected), signal)
    if (signal.aborted) throw new Interrupted()
  }
}

export async function backUpContainer(backup: GuestBackup): Promise<void> {
  const { job, guest, mode, log, compressor } = backup
  const running = guest.status === 'running'
  if (running && mode === 'snapshot') {
    describeGuest(backup)
    if (fallsShort(backup, 'no-snapshots')) {
      log('INFO', 'mode failure - some volumes do not support snapshots')
      log('INFO', "trying 'suspend' mode instead")
      return backUpContainer({ ...backup, mode: 'suspend' })
    }
    describeMode(backup)
    log('INFO', "create storage snapshot 'vzdump'")
  } else {
    describeMode(backup)
    describeGuest(backup)
  }
  if (running && mode === 'suspend') suspendFirst(backup)
  if (running && mode === 'stop') log('INFO', 'stopping virtual guest')
  await job.hook('backup-start', mode, guest.vmid)
  logTarget(backup)
  if (guest.diskMissing) throw new Error(`volume '${guest.disks[0]?.volume}' does not exist`)
  let tarBytes = 0
  const content = contentOf(job.world, guest, backup.startedAt)
  try {
    const fault = job.world.faults.backup(guest.vmid, 'no-space')
    const written = await runCopy(job.world, job.worker, {
      path: backup.copy.path,
      availableBytes: fault === undefined ? backup.copy.availableBytes : Math.floor(guest.dataBytes / 2),
      source: (gate, signal) =>
        compress(
          paced(content, gate, signal, (bytes) => {
            tarBytes = bytes
          }),
          compressor,
        ),
      onProgress: (share) => strike(backup, share),
      ...readError(backup),
    })
    if (job.worker.killed) return
    log('INFO', tarTotals(tarBytes, job.world.secondsPerDump))
    logSize(backup, written)
  } catch (error) {
    throw explained(backup, error)
  }
  if (running && mode === 'snapshot') log('INFO', "cleanup temporary 'vzdump' snapshot")
  if (running && mode === 'stop') {
    log('INFO', 'restarting vm')
    log('INFO', 'guest is online again after 1 seconds')
  }
}

function suspendFirst(backup: GuestBackup): void {
  const { guest, log, temporary } = backup
  if (fallsShort(backup, 'tmpdir-on-nfs')) {
    const advice = 'consider configuring a local tmpdir via /etc/vzdump.conf'
    log('INFO', `temporary directory is on NFS, disabling xattr and acl support, ${advice}`)
  }
  const target = temporary.nodePath.replace(/(\.tar)?\.dat$/, '.tmp')
  log('INFO', `starting first sync /proc/${10_000 + guest.vmid}/root/ to ${target}`)
  log(
    'INFO',
    `first sync finished - transferred ${renderBytes(guest.dataBytes, 2).replace(/ (\w)iB$/, '$1')} bytes in 1s`,
  )
  log('INFO', 'suspending guest')
  log('INFO', `starting final sync /proc/${10_000 + guest.vmid}/root/ to ${target}`)
  log('INFO', 'final sync finished - transferred 0 bytes in 1s')
  log('INFO', 'resuming guest')
  log('INFO', 'guest is online again after <1 seconds')
}

const BUFFERED_BYTES = 2 * 1024 ** 2

const wholeTar = (guest: LabGuest): number => Math.ceil((guest.dataBytes + 20_480) / 10_240) * 10_240

/** A failing pipeline is quoted whole; a signal and a full disk differ in how it ended. */
function explained(backup: GuestBackup, error: unknown): unknown {
  const { job, compressor, temporary, log } = backup
  const limit = Number(job.options['bwlimit'] ?? 0)
  const limiter = limit > 0 ? `| cstream -t ${limit * 1024} ` : ''
  const scratch = temporary.nodePath.replace(/(\.tar)?\.dat$/, '.tmp')
  const command = tarCommand(scratch, `${limiter}${COMMAND[compressor]}`, temporary.nodePath)
  if (error instanceof Interrupted) return new Error(`command '${command}' failed: interrupted by signal`)
  if (!(error instanceof NoSpace)) return error
  // A small tar is in the compressor's buffers, whole, before anything reaches the disk.
  if (backup.guest.dataBytes <= BUFFERED_BYTES && compressor !== 'none')
    log('INFO', tarTotals(wholeTar(backup.guest), 0.01))
  if (compressor === 'zstd') log('INFO', 'zstd: error 70 : Write error : cannot write block : No space left on device ')
  else
    log(
      'INFO',
      compressor === 'none'
        ? 'tar: -: Wrote only 4096 of 10240 bytes'
        : `${compressor}: stdout: No space left on device`,
    )
  return new Error(
    `command '${command}' failed: exit code ${compressor === 'zstd' ? 70 : compressor === 'none' ? 2 : 1}`,
  )
}
