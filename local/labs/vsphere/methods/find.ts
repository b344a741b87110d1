/** Guests by their UUID or their path. An unknown one is an empty answer, not a fault. */
import type { Value } from '../wire/values.ts'
import { refTo } from '../properties/references.ts'
import { findByPath } from '../world/paths.ts'
import { mayDo } from '../world/rights.ts'
import { guests, type Entry } from '../world/world.ts'
import { type Call, type Method, userOf } from './call.ts'

const shown = (call: Call, entry: Entry | undefined): Value | undefined =>
  entry !== undefined && mayDo(call.world, userOf(call), entry, 'System.View') ? refTo(entry) : undefined

export const FindByUuid: Method = {
  on: ['SearchIndex'],
  parameters: 'datacenter:@Datacenter? uuid:string vmSearch:boolean instanceUuid:boolean?',
  run: (call) => {
    const { world, input } = call
    const uuid = (input.textOf('uuid') ?? '').toLowerCase()
    if (input.flagOf('vmSearch') !== true) return undefined
    const byInstance = input.flagOf('instanceUuid') === true
    return shown(
      call,
      guests(world).find((guest) => (byInstance ? guest.instanceUuid : guest.uuid).toLowerCase() === uuid),
    )
  },
}

export const FindByInventoryPath: Method = {
  on: ['SearchIndex'],
  parameters: 'inventoryPath:string',
  run: (call) => shown(call, findByPath(call.world, call.input.textOf('inventoryPath') ?? '')),
}
