import { InvalidSite } from '../../contracts/errors.ts'
import type { Ports } from '../../operations/ports.ts'
import type { DiskWriter } from '../../writers/disk-writer.ts'
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

/** Writers live for one call. */
export function withDiskWriter(invocation: Invocation): Pick<Ports, 'diskWriter'> {
  const writers = new Map<string, Promise<DiskWriter>>()
  const opened = async (site: string): Promise<DiskWriter> => {
    const writer = await diskWriterIn(site, await readRestoreSiteConfig(site))
    invocation.onEnd(() => writer.close())
    return writer
  }
  return {
    diskWriter: (site) => {
      const writer = writers.get(site) ?? opened(site)
      writers.set(site, writer)
      return writer
    },
  }
}
