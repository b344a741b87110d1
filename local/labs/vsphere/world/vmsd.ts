/** The `.vmsd` of a guest: its snapshots, as ESXi writes them. */
import { basename } from 'node:path/posix'
import { nodeOf } from './vmx.ts'
import type { Guest } from './world.ts'

export function vmsdText(guest: Guest): string {
  const lines = ['.encoding = "UTF-8"']
  const add = (name: string, value: string | number): void => void lines.push(`${name} = "${value}"`)
  if (guest.lastSnapshotNumber === 0) return `${lines.join('\n')}\n`
  add('snapshot.lastUID', guest.lastSnapshotNumber)
  if (guest.current !== undefined) add('snapshot.current', guest.current.number)
  guest.snapshots.forEach((snapshot, index) => {
    const own = `snapshot${index}`
    const micros = BigInt(snapshot.createdAt.getTime()) * 1000n
    add(`${own}.uid`, snapshot.number)
    add(`${own}.filename`, `${guest.stem}-Snapshot${snapshot.number}.vmsn`)
    if (snapshot.parent !== undefined) add(`${own}.parent`, snapshot.parent.number)
    add(`${own}.displayName`, snapshot.name.replaceAll('"', '|22'))
    add(`${own}.description`, snapshot.description.replaceAll('"', '|22').replaceAll('\n', '|0A'))
    add(`${own}.createTimeHigh`, Number(BigInt.asIntN(32, micros >> 32n)))
    add(`${own}.createTimeLow`, Number(BigInt.asIntN(32, micros)))
    add(`${own}.numDisks`, snapshot.links.size)
    const disks = guest.disks.filter(({ key }) => snapshot.links.has(key))
    disks.forEach((disk, place) => {
      add(`${own}.disk${place}.fileName`, basename(snapshot.links.get(disk.key)?.descriptor ?? ''))
      add(`${own}.disk${place}.node`, nodeOf(disk))
    })
  })
  add('snapshot.numSnapshots', guest.snapshots.length)
  return `${lines.join('\n')}\n`
}
