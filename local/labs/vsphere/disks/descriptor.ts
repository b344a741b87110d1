/** The small text beside a disk's bytes, as ESXi writes it. qemu-img opens it next to its extent. */
import { basename } from 'node:path/posix'
import type { Link } from './link.ts'

const EXTENTS = {
  flat: { createType: 'vmfs', kind: 'VMFS' },
  delta: { createType: 'vmfsSparse', kind: 'VMFSSPARSE' },
  sesparse: { createType: 'seSparse', kind: 'SESPARSE' },
  rdm: { createType: 'vmfsRawDeviceMap', kind: 'VMFSRDM' },
  vsan: { createType: 'vmfs', kind: 'VMFS' },
} as const

export interface DescriptorFacts {
  /** Of the disk, 32 hex digits. */
  uuid: string
  adapterType: string
  hardwareVersion: string
  physicalRdm?: boolean
  /** How the parent is named; absolute where it lies on another datastore. */
  parentHint?: string
}

const hexPairs = (uuid: string): string => {
  const pairs = uuid.match(/../g) ?? []
  return `${pairs.slice(0, 8).join(' ')}-${pairs.slice(8).join(' ')}`
}

export function descriptorText(link: Link, facts: DescriptorFacts): string {
  const sectors = Math.ceil(link.blocks.sizeBytes / 512)
  const { kind } = EXTENTS[link.form]
  const createType = facts.physicalRdm === true ? 'vmfsPassthroughRawDeviceMap' : EXTENTS[link.form].createType
  const extent = link.extent === undefined ? `vsan://${facts.uuid}` : basename(link.extent)
  const parent = link.parent
  const isDelta = parent !== undefined
  return [
    '# Disk DescriptorFile',
    'version=1',
    'encoding="UTF-8"',
    `CID=${link.cid}`,
    `parentCID=${parent === undefined ? 'ffffffff' : parent.cid}`,
    ...(isDelta ? ['isNativeSnapshot="no"'] : []),
    `createType="${createType}"`,
    ...(isDelta ? [`parentFileNameHint="${facts.parentHint ?? basename(parent.descriptor)}"`] : []),
    '# Extent description',
    `RW ${sectors} ${kind} "${extent}"`,
    '',
    '# The Disk Data Base ',
    '#DDB',
    '',
    ...(isDelta
      ? [`ddb.longContentID = "${facts.uuid.slice(0, 24)}${link.cid}"`]
      : [
          `ddb.adapterType = "${facts.adapterType}"`,
          `ddb.geometry.cylinders = "${Math.max(1, Math.floor(sectors / (255 * 63)))}"`,
          'ddb.geometry.heads = "255"',
          'ddb.geometry.sectors = "63"',
          `ddb.longContentID = "${facts.uuid.slice(0, 24)}${link.cid}"`,
          ...(link.thin ? ['ddb.thinProvisioned = "1"'] : []),
          `ddb.uuid = "${hexPairs(facts.uuid)}"`,
          `ddb.virtualHWVersion = "${facts.hardwareVersion}"`,
        ]),
    '',
  ].join('\n')
}
