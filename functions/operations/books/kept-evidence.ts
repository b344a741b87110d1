import type { SideFile } from '../../contracts/side-file.ts'
import type { KeptEvidence } from '../../contracts/kept-evidence.ts'
import { sourcesOf } from '../../domain/backup/sources.ts'
import { evidenceShape } from './shapes.ts'
import { readRecord } from './stored-json.ts'
import type { Ports } from '../ports.ts'

/** What Locate archive kept about the guest's job, if it got that far. */
export async function readKeptEvidence(
  key: string,
  { store }: Pick<Ports, 'store'>,
): Promise<KeptEvidence | undefined> {
  return readRecord(store, key, evidenceShape)
}

/** What goes beside the archive. Versions before there were side files kept log and notes apart, of Proxmox VE alone. */
export function sideFilesIn({ evidence, log, sideFiles }: KeptEvidence): SideFile[] {
  if (sideFiles !== undefined) return sideFiles
  const fileName = sourcesOf(evidence)[0]?.artifact.fileName ?? ''
  const { notes = '' } = evidence
  return [
    { name: `${fileName.split('.')[0]}.log`, text: log ?? '' },
    ...(notes === '' ? [] : [{ name: `${fileName}.notes`, text: notes }]),
  ]
}
