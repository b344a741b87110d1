/** The formats of archives, by family: what is inside is read by the one that a file's name belongs to. */
import type { ArchiveReading, ExpectedArchive } from './archive-reading.ts'
import { readArchive as readProxmoxArchive } from './proxmox/read-archive.ts'
import { isDiskArchive } from './raw-disk/file-name.ts'
import { readDiskArchive } from './raw-disk/read-disk-archive.ts'

interface Family {
  knows(fileName: string): boolean
  read(source: AsyncIterable<Buffer>, expected: ExpectedArchive): Promise<ArchiveReading>
}

/** Reads what no other knows: a format that nobody knows is "not inspected", and never refused. */
const anyOther: Family = { knows: () => true, read: readProxmoxArchive }

const families: readonly Family[] = [{ knows: isDiskArchive, read: readDiskArchive }]

/** Reads an archive to its end and says whether a restore would take it. @throws what the source throws */
export function readArchive(source: AsyncIterable<Buffer>, expected: ExpectedArchive): Promise<ArchiveReading> {
  const family = families.find((one) => one.knows(expected.fileName)) ?? anyOther
  return family.read(source, expected)
}
