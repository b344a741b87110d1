/** The functions themselves end: killed between any two steps, out of memory, out of time. */
import type { DoneListener, FaultPlan } from '../../../local/s3/faults.ts'
import type { Bed } from './bed.ts'
import type { BackupFault } from './fault.ts'

const MIB = 2 ** 20
const theme = 'Functions'
const route = 'sftp'
type Subject = Parameters<FaultPlan>[0]

/** Kill a function when its first such request reaches S3: nothing of it is done. */
function killedBefore(stem: string, matches: (subject: Omit<Subject, 'count'>) => boolean): BackupFault['inject'] {
  return (bed) => {
    let left = 1
    bed.s3.plan = (subject) => {
      if (!matches(subject) || left-- <= 0) return undefined
      void bed.kill(stem)
      return 'silent'
    }
  }
}

/** Kill a function when S3 has done what it asked and before it learns of that. */
function killedAfter(stem: string, matches: (done: Parameters<DoneListener>[0]) => boolean): BackupFault['inject'] {
  return (bed) => {
    let left = 1
    bed.s3.onDone = async (done) => {
      if (!matches(done) || left-- <= 0) return
      await bed.kill(stem)
    }
  }
}

const killed = /Runtime\.ExitError.*signal: killed/
const isManifest = ({ operation, key = '' }: { operation: string; key?: string | undefined }): boolean =>
  operation === 'PutObject' && key.endsWith('/manifest.json')

export const functionFaults: readonly BackupFault[] = [
  {
    name: 'the copying function is killed as its parts are on their way',
    theme,
    route,
    bed: 'large',
    happens: 'the next round asks S3 what it has, and sends the rest',
    when: 'at the start',
    inject: killedBefore('copy-parts', ({ operation, partNumber }) => operation === 'UploadPart' && partNumber === 3),
    expected: 'succeeded',
    cause: killed,
  },
  {
    name: 'the copying function is killed when S3 has a part and before it learns of that',
    theme,
    route,
    bed: 'large',
    happens: 'the part is in S3 and not sent again',
    when: 'at the start',
    inject: killedAfter('copy-parts', ({ operation }) => operation === 'UploadPart'),
    expected: 'succeeded',
    cause: killed,
  },
  {
    name: 'the copying function is killed after its last part',
    theme,
    route,
    happens: 'the next round finds all parts in S3, and sends nothing',
    when: { part: 1 },
    inject: async (bed) => void (await bed.kill('copy-parts')),
    expected: 'succeeded',
  },
  {
    name: 'the function that completes the upload is killed before it asks',
    theme,
    route,
    happens: 'it is called again',
    when: 'at the start',
    inject: killedBefore('complete-upload', ({ operation }) => operation === 'CompleteMultipartUpload'),
    expected: 'succeeded',
    cause: killed,
  },
  {
    name: 'the function that completes the upload is killed when S3 has completed it',
    theme,
    route,
    happens: 'called again, it recognises the object by size and CRC-32',
    when: 'at the start',
    inject: killedAfter('complete-upload', ({ operation }) => operation === 'CompleteMultipartUpload'),
    expected: 'succeeded',
    cause: killed,
  },
  {
    name: 'the function that writes the manifest is killed before S3 has it',
    theme,
    route,
    happens: 'it is called again',
    when: 'at the start',
    inject: killedBefore('write-manifest', isManifest),
    expected: 'succeeded',
    cause: killed,
  },
  {
    name: 'the function that writes the manifest is killed when S3 has it',
    theme,
    route,
    happens: 'called again, it recognises its own manifest',
    when: 'at the start',
    inject: killedAfter('write-manifest', isManifest),
    expected: 'succeeded',
    cause: killed,
  },
  {
    name: 'the copying function runs out of memory',
    theme,
    route,
    bed: 'tight',
    happens: 'the next round holds half as many parts at once',
    when: 'at the start',
    inject: () => undefined,
    expected: 'succeeded',
    cause: /Runtime\.OutOfMemory/,
  },
  {
    name: 'the link is slow (12 MB/s) and the function near its time limit',
    theme,
    route,
    bed: 'slow',
    happens: 'it hands over at a part boundary, and the next round goes on',
    when: { state: 'Copy parts' },
    inject: ({ lines }) => lines.sftp.pace(12_000_000),
    expected: 'succeeded',
    long: true,
    check: handedOver,
  },
]

function handedOver({ told, ledger }: Bed): void {
  const calls = told.lines.filter(({ event }) => event === 'parts-copied')
  if (calls.length < 2) throw new Error(`one call copied everything, in ${JSON.stringify(calls)}`)
  if (ledger.refused > 0) throw new Error(`${ledger.refused} parts were broken off`)
  const bytes = calls.reduce((sum, { bytesSent }) => sum + Number(bytesSent), 0)
  if (bytes < 256 * MIB) throw new Error(`only ${bytes} bytes were copied`)
}
