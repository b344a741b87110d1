import { compressionByMagic } from '../../../functions/archive-formats/proxmox/magic.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import type { ArchiveSource } from './archive-source.ts'

/** Before it takes hours: how much of the archive is read. */
export async function sayWhatIsRead(source: ArchiveSource): Promise<void> {
  const compression = compressionByMagic(await source.read(0, Math.min(source.sizeBytes, 16)))
  const size = formatBytes(source.sizeBytes)
  const sentence =
    compression === 'none'
      ? `The archive is not compressed: of its ${size}, only what is needed is read.`
      : `The archive is compressed (${compression}): all of its ${size} are read.`
  process.stderr.write(`${sentence}\n`)
}
