import { compressionByMagic } from '../../../functions/archive-formats/proxmox/magic.ts'
import { formatBytes } from '../../../functions/domain/words/byte-size.ts'
import { counted } from '../../../functions/domain/words/counted.ts'
import type { ArchiveSource } from './archive-source.ts'
import type { FoundByIndex } from './open-index.ts'

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

/** The same where an index tells it. */
export function sayWhatIsReadByIndex(
  { sizeBytes }: ArchiveSource,
  { directory, members, fileBytes }: FoundByIndex,
): void {
  const size = formatBytes(sizeBytes)
  const needed = members.reduce((sum, one) => sum + one.contentAt - one.headAt + (one.storedBytes ?? one.sizeBytes), 0)
  const said = `By its index, the archive holds ${counted(members.length, 'such file')}`
  const sentence =
    members.length === 0
      ? `By its index, the archive holds no such file, and nothing else of it is read. To read it all the same: --no-index.`
      : directory.compression === 'none'
        ? `${said}: ${formatBytes(needed)} of its ${size}, and little else is read.`
        : `${said}. It is compressed (${directory.compression}): about ${formatBytes(fileBytes)} of its ${size} are read, up to the last of them.`
  process.stderr.write(`${sentence}\n`)
}
