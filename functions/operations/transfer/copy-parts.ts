import type { CopyResult } from '../../contracts/pace.ts'
import type { TaskInput } from '../../contracts/tasks.ts'
import { Pacer } from './pacer.ts'
import { renewClaim } from '../books/claims.ts'
import type { PartMover } from './part-mover.ts'
import type { Ports } from '../ports.ts'
import { encoderOf } from './encodings.ts'
import { missingOf } from './missing-parts.ts'
import { moveParts } from './move-parts.ts'
import { PullParts } from './pull-parts.ts'
import { PushParts } from './push-parts.ts'

type Needs = Pick<
  Ports,
  | 'store'
  | 'keyPrefix'
  | 'route'
  | 'now'
  | 'sleep'
  | 'remainingMilliseconds'
  | 'billedMilliseconds'
  | 'memoryMiB'
  | 'log'
>

/**
 * Copy those parts of a chunk that S3 lacks, until done, past the order's time, or short of the function's own. S3's
 * list of parts is the ledger: what is left over is found by the next round, and nothing that is there is sent again.
 * @throws SourceChanged, ShortRead, SourceUnreadable, ConnectionDropped, UploadVanished, GuestBusy and the store's errors
 */
export async function copyParts(input: TaskInput<'CopyParts'>, ports: Needs): Promise<CopyResult> {
  const { item, artifact, upload, chunk, order } = input
  await renewClaim(input, ports)
  const encoder = await encoderOf(upload, ports)
  const missing = await missingOf(encoder, upload, ports, chunk)
  const route = await ports.route(item.site)
  const pacer = new Pacer(order.bytesPerSecond, ports)
  const pushes = route.openPusher !== undefined && encoder.passesThrough
  // Opening the source checks that it is the one expected; so does the end.
  const mover: PartMover = new (pushes ? PushParts : PullParts)(ports, input, encoder, pacer)
  const about = { site: item.site, guest: item.guest.id, key: upload.key, artifact: artifact.fileName }
  return moveParts(missing, order, mover, about, ports)
}
