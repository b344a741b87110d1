/**
 * Whether a name is that of a whole disk in independent zstd frames: the raw disk, or a virtual disk of the platform's
 * own form that is archived byte for byte.
 */
export function isDiskArchive(fileName: string): boolean {
  return /\.(?:raw|vhdx?)\.zst$/.test(fileName)
}

/** `disks/xvda.raw.zst` → `xvda`: what the disk is called. */
export function diskNameOf(fileName: string): string {
  return (fileName.split('/').at(-1) ?? fileName).replace(/\.(?:raw|vhdx?)\.zst$/, '')
}
