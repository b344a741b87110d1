import type { RestoreRecord } from '../../contracts/restore-record.ts'

/** What an archive's whole disks become: on vSphere a guest, elsewhere what was asked for. */
export function madeInto({
  archive,
  request,
}: Pick<RestoreRecord, 'archive' | 'request'>): 'image' | 'volume' | 'guest' {
  return archive.platform === 'vsphere' ? 'guest' : (request.to ?? 'image')
}
