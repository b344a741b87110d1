import { RestoreRefused } from '../../contracts/errors.ts'
import type { Guest } from '../../contracts/nouns.ts'
import type { RestoreRecord } from '../../contracts/restore-record.ts'
import { manifestKey } from '../../domain/books/object-keys.ts'
import type { IntendedRestore, Restores, RestoredHow } from '../../providers/capabilities/restores.ts'
import type { Provider } from '../../providers/provider.ts'
import { manifestShape } from '../books/shapes.ts'
import { readSiteBook } from '../books/site-book.ts'
import { readRecord } from '../books/stored-json.ts'
import type { Ports } from '../ports.ts'

/**
 * What the platform is told of a restore. The guest is started by us, once it was compared.
 * @param imports it is to come by import, also where its disks aren't known yet
 */
export async function intendedRestore(
  { archive, request, target, disks }: RestoreRecord,
  deliveryStorage: string,
  { store, keyPrefix }: Pick<Ports, 'store' | 'keyPrefix'>,
  imports = disks !== undefined,
): Promise<IntendedRestore> {
  const { storage, pool, name, bridges, limitKiBPerSecond, unique, replace, drill, template } = request
  const manifest = await readRecord(store, manifestKey(archive.folder), manifestShape)
  const { book } = await readSiteBook(request.site, { store, keyPrefix })
  const contentBytes = manifest?.evidence.contentBytes
  return {
    archive: {
      guest: archive.guest,
      fileName: archive.fileName,
      sizeBytes: archive.sizeBytes,
      ...(contentBytes === undefined ? {} : { contentBytes }),
      ...(manifest?.configuration === undefined ? {} : { configuration: manifest.configuration.text }),
      platformVersion: archive.platformVersion,
      origin: `s3://${store.bucket}/${archive.folder}`,
    },
    target: {
      ...target,
      unique,
      replace,
      ...(drill === undefined ? {} : { rehearsal: { runsCommands: drill.probes.commands.length > 0 } }),
      ...(template === undefined ? {} : { template }),
      ...(storage === undefined ? {} : { storage }),
      ...(pool === undefined ? {} : { pool }),
      ...(name === undefined ? {} : { name }),
      ...(bridges === undefined ? {} : { bridges }),
      ...(limitKiBPerSecond === undefined ? {} : { limitKiBPerSecond }),
    },
    deliveryStorage,
    ...(book.cluster === undefined ? {} : { clusterId: book.cluster.id }),
    ...(imports ? { imports: (disks ?? []).map(({ disk, ref }) => ({ disk, ref })) } : {}),
  }
}

/** How the guest may differ from its archive. */
export function restoredHow({
  archive,
  disks,
  request: { unique, name, bridges, drill, template },
}: RestoreRecord): RestoredHow {
  return {
    kind: archive.guest.kind,
    unique,
    rehearsal: drill !== undefined,
    ...(template === undefined ? {} : { template }),
    ...(name === undefined ? {} : { name }),
    ...(bridges === undefined ? {} : { bridges }),
    ...(disks === undefined ? {} : { imported: true }),
  }
}

/** The guest that the restore makes, as the platform knows it. */
export function madeGuest({ archive, request, target }: RestoreRecord): Guest {
  return { id: target.id, node: target.node, kind: archive.guest.kind, name: request.name ?? archive.guest.name }
}

/** The site's platform, with the account for restores. @throws RestoreRefused when it can't bring this archive back */
export async function openRestorer(
  { archive, request: { site } }: RestoreRecord,
  ports: Pick<Ports, 'provider'>,
): Promise<{ provider: Provider; restores: Restores }> {
  const provider = await ports.provider(site)
  if (provider.platform !== archive.platform) {
    throw new RestoreRefused(
      `Site ${site} is of platform ${provider.platform}, and the archive was made by ${archive.platform}. Name a site of that platform.`,
    )
  }
  if (provider.restores !== undefined) return { provider, restores: provider.restores }
  throw new RestoreRefused(
    `Site ${site}: Guestlift can't bring guests back on ${provider.platform}. Restore by hand, as RESTORE.md in the bucket shows.`,
  )
}
