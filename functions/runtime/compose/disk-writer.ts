import { InvalidSite } from '../../contracts/errors.ts'
import type { Ports } from '../../operations/ports.ts'
import type { DiskWriter, FileDiskWriter } from '../../writers/disk-writer.ts'
import type { Invocation } from '../define-handler.ts'
import { readRestoreSiteConfig } from './secrets.ts'
import { bytesOf } from './site-bytes.ts'

/** What fills disks of a site. @throws InvalidSite for one that is reached otherwise */
async function diskWriterIn(site: string, config: unknown): Promise<DiskWriter> {
  const bytes = bytesOf(site, config)
  if (bytes.by !== 'ebs') {
    throw new InvalidSite(`Site ${site} takes files, and no disks block by block. Start the restore again.`)
  }
  const { openEbsWriter } = await import('../../writers/ebs/ebs.ts')
  return openEbsWriter(site, bytes.access)
}

/** What writes disks of a site as files. @throws InvalidSite for one that is reached otherwise */
async function fileDiskWriterIn(site: string, config: unknown): Promise<FileDiskWriter> {
  const bytes = bytesOf(site, config)
  if (bytes.by !== 'datastore') {
    throw new InvalidSite(`Site ${site} has no datastores to write disks to. Start the restore again.`)
  }
  const { openDatastoreWriter } = await import('../../writers/datastore/datastore.ts')
  return openDatastoreWriter(site, bytes.access)
}

/** Writers live for one call. */
export function withDiskWriter(invocation: Invocation): Pick<Ports, 'diskWriter' | 'fileDiskWriter'> {
  return {
    diskWriter: perSite(invocation, diskWriterIn),
    fileDiskWriter: perSite(invocation, fileDiskWriterIn),
  }
}

function perSite<Writer extends { close(): Promise<void> }>(
  invocation: Invocation,
  open: (site: string, config: unknown) => Promise<Writer>,
): (site: string) => Promise<Writer> {
  const writers = new Map<string, Promise<Writer>>()
  const opened = async (site: string): Promise<Writer> => {
    const writer = await open(site, await readRestoreSiteConfig(site))
    invocation.onEnd(() => writer.close())
    return writer
  }
  return (site) => {
    const writer = writers.get(site) ?? opened(site)
    writers.set(site, writer)
    return writer
  }
}
