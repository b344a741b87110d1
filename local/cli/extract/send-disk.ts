/** `guestlift extract --to`: the upload around a disk that is taken out, and what is said of it. */
import { openBucket } from '../bucket-store.ts'
import { exitCodes } from '../exit-codes.ts'
import type { StopSignals } from '../stop-signals.ts'
import { out } from '../stream-out.ts'
import type { ArchiveSource } from './archive-source.ts'
import type { ObjectAddress } from './object-address.ts'
import { ObjectUpload } from './object-upload.ts'
import { takeDiskToObject } from './take-disk-to-object.ts'
import { sayWhatIsRead } from './what-is-read.ts'

/** On every ending but success, nothing of the object stays; where that fails, it is said how to remove it. */
export async function sendDisk(
  source: ArchiveSource,
  name: string,
  { key, ...bucket }: ObjectAddress & { s3?: string },
  stop: StopSignals,
): Promise<void> {
  const { store } = openBucket(bucket)
  const upload = new ObjectUpload(store, key, stop.interrupt)
  const say = (sentence: string | undefined) => sentence !== undefined && process.stderr.write(`${sentence}\n`)
  const leave = () => {
    say(upload.leftOver())
    process.exit(exitCodes.interrupted)
  }
  stop.kill.addEventListener('abort', leave, { once: true })
  try {
    await upload.requireFree()
    await sayWhatIsRead(source)
    const { line, compared } = await takeDiskToObject(source, name, upload, { say })
    await out(`${line}.\n`)
    say(compared)
  } finally {
    say(await upload.discard())
    stop.kill.removeEventListener('abort', leave)
  }
}
