/**
 * Lines of a vzdump task's log that nothing accounts for. vzdump writes a level before everything that it says itself and
 * before all that its hook and its archiver say; what has none, or one that is not vzdump's, comes from a library or a
 * command that it called, and a failure there is said nowhere else: "unable to open file … Transport endpoint is not
 * connected" before `TASK OK`. Levels say little: what tar and rsync complain of is repeated as INFO.
 */

/** Beside their totals, these commands speak only of what they could not do. Other `INFO` lines are a hook's, or meant so. */
const COMPLAINT = /^INFO: (?:(?:tar|rsync|zstd|gzip|pigz|lzop|cstream)(?: warning| error)?: |file has vanished: )/
/** Sockets can't be archived, and nobody misses them. */
const NO_COMPLAINT = /^INFO: tar: (?:.*: socket ignored|Removing leading .*)$/

/** What comes without a level in the log of a good backup. */
const HARMLESS: readonly RegExp[] = [
  /^(?:INFO|WARN|ERROR): ?/,
  /^TASK /,
  /^\s*$/,
  // An empty log, as the API shows it.
  /^no content$/,
  // Snapshots and fleecing images on LVM, with its advice on thin pools.
  /^\s*Logical volume "\S+" (?:successfully )?(?:created|removed|changed|renamed)\.?$/i,
  /^\s*Renamed "\S+" to "\S+" in volume group /,
  /^\s*WARNING: You have not turned on protection against thin pools running out of space\.$/,
  /^\s*WARNING: Set activation\/thin_pool_autoextend_threshold below 100 /,
  /^\s*WARNING: Sum of all thin volume sizes \(.*\) exceeds the size of thin pools? /,
  /^\s*(?:Wiping|Rounding up size|Rounding size|Using default stripesize)\b/,
  // On Ceph, ZFS and btrfs.
  /^(?:Creating|Removing) (?:snap|image): \d+% complete/,
  /^Create a (?:readonly )?snapshot of '/,
  /^Delete subvolume \(/,
  // A file that takes what a guest overwrites meanwhile.
  /^Formatting '.*', fmt=/,
  // A template or a guest without disks: the command that packs it.
  /^\/usr\/bin\/vma create /,
]

export function unaccounted(lines: readonly string[]): string[] {
  return lines.filter((line) =>
    COMPLAINT.test(line) ? !NO_COMPLAINT.test(line) : !HARMLESS.some((pattern) => pattern.test(line)),
  )
}
