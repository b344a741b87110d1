/**
 * Whether a name is that of a whole disk in independent zstd frames: the raw disk, or a virtual disk of the platform's
 * own form that is archived byte for byte.
 */
export function isDiskArchive(fileName: string): boolean {
  return /\.(?:raw|vhdx?)\.zst$/.test(fileName)
}

/** The disk, and a footer of 512 bytes. */
export function isVhd(fileName: string): boolean {
  return fileName.endsWith('.vhd.zst')
}

/** A format of its own, which is not looked into. */
export function isVhdx(fileName: string): boolean {
  return fileName.endsWith('.vhdx.zst')
}

/** `disks/xvda.raw.zst` → `xvda`: what the disk is called. */
export function diskNameOf(fileName: string): string {
  return (fileName.split('/').at(-1) ?? fileName).replace(/\.(?:raw|vhdx?)\.zst$/, '')
}
