/** S3 refuses, stalls, loses answers, gets other bytes than were sent, or loses the upload. */
import type { FaultPlan } from '../../../local/s3/faults.ts'
import { newestArchive } from './bed.ts'
import type { BackupFault } from './fault.ts'

const theme = 'S3'
const route = 'sftp'
const atStart = 'at the start'

/** Strike the first so many requests for an operation. */
function first(times: number, operation: string, fault: NonNullable<ReturnType<FaultPlan>>): BackupFault['inject'] {
  return ({ s3 }) => {
    let left = times
    s3.plan = (subject) => (subject.operation === operation && left-- > 0 ? fault : undefined)
  }
}

const always = Number.POSITIVE_INFINITY

export const storeFaults: readonly BackupFault[] = [
  ...(['InternalError', 'ServiceUnavailable', 'SlowDown', 'RequestTimeout', 'IncompleteBody'] as const).map(
    (code): BackupFault => ({
      name: `S3 answers a part with ${code}`,
      theme,
      route,
      happens: 'the part is sent again from memory, up to six times in a call',
      when: atStart,
      inject: first(2, 'UploadPart', { code }),
      expected: 'succeeded',
      check: ({ ledger }) => {
        if (ledger.refused !== 2) throw new Error(`${ledger.refused} requests were refused, not 2`)
      },
    }),
  ),
  {
    name: 'S3 asks to slow down for longer than one call has patience',
    theme,
    route,
    happens: 'Plan copies lets it rest and goes on with fewer streams; the guest never fails for it within two hours',
    when: atStart,
    inject: first(14, 'UploadPart', { code: 'SlowDown' }),
    expected: 'succeeded',
    cause: /StoreUnavailable.*SlowDown/,
    long: true,
  },
  {
    name: 'S3 finds the clock skewed with every part',
    theme,
    route,
    happens: 'the guest fails and says which clock to set',
    when: atStart,
    inject: first(always, 'UploadPart', { code: 'RequestTimeTooSkewed' }),
    expected: ['StoreDenied'],
    cause: /clock of this machine/,
  },
  {
    name: "the functions' session token expires",
    theme,
    route,
    happens: 'the guest fails and says so',
    when: atStart,
    inject: first(always, 'UploadPart', { code: 'ExpiredToken' }),
    expected: ['StoreDenied'],
    cause: /session token has expired/,
  },
  {
    name: 'S3 takes the right to write away in the middle',
    theme,
    route,
    bed: 'large',
    happens: 'the guest fails and names bucket, key and permissions',
    when: atStart,
    inject: ({ s3 }) => {
      s3.plan = ({ operation, partNumber }) =>
        operation === 'UploadPart' && partNumber !== 1 ? { code: 'AccessDenied' } : undefined
    },
    expected: ['StoreDenied'],
    cause: /access denied.*s3:PutObject/,
  },
  {
    name: 'S3 takes a part and never answers',
    theme,
    route,
    happens: 'given up after 45 s, and sent again',
    when: atStart,
    inject: first(1, 'UploadPart', 'silent'),
    expected: 'succeeded',
    long: true,
  },
  {
    name: 'the connection to S3 is cut in the middle of a part',
    theme,
    route,
    happens: 'the part is sent again from memory',
    when: atStart,
    inject: first(2, 'UploadPart', 'cut'),
    expected: 'succeeded',
  },
  {
    name: 'a part arrives damaged',
    theme,
    route,
    happens: 'S3 refuses it (BadDigest), and it is sent again from memory',
    when: atStart,
    inject: first(1, 'UploadPart', 'corrupt'),
    expected: 'succeeded',
    check: ({ ledger }) => {
      if (ledger.refused !== 1) throw new Error(`${ledger.refused} requests were refused, not 1`)
    },
  },
  {
    name: 'a part arrives damaged each time',
    theme,
    route,
    happens: 'the guest fails; S3 never took a wrong byte',
    when: atStart,
    inject: first(always, 'UploadPart', 'corrupt'),
    expected: ['ChecksumMismatch'],
    cause: /part 1 arrived damaged 6 times/,
  },
  {
    name: 'the answer to a part is lost',
    theme,
    route,
    happens: 'the part is sent again: that one is twice on the line, and once in the object',
    when: atStart,
    inject: first(1, 'UploadPart', 'lose-answer'),
    expected: 'succeeded',
    partsTwice: 1,
    check: ({ ledger }) => {
      if (ledger.partsTwice !== 1) throw new Error(`${ledger.partsTwice} parts were counted as sent twice, not 1`)
    },
  },
  {
    name: 'the answer to opening the upload is lost',
    theme,
    route,
    happens: 'another is opened, and the orphan is aborted',
    when: atStart,
    inject: first(1, 'CreateMultipartUpload', 'lose-answer'),
    expected: 'succeeded',
  },
  {
    name: 'the answer to completing the upload is lost',
    theme,
    route,
    happens: 'the object is recognised by size and CRC-32',
    when: atStart,
    inject: first(1, 'CompleteMultipartUpload', 'lose-answer'),
    expected: 'succeeded',
  },
  {
    name: 'the answer to the manifest is lost',
    theme,
    route,
    happens: 'the manifest is recognised as its own',
    when: { state: 'Write manifest' },
    inject: ({ s3 }) => {
      let left = 1
      s3.plan = ({ operation, key = '' }) =>
        operation === 'PutObject' && key.endsWith('/manifest.json') && left-- > 0 ? 'lose-answer' : undefined
    },
    expected: 'succeeded',
  },
  {
    name: 'S3 fails to complete the upload for a while',
    theme,
    route,
    happens: 'completed later; the parts stay',
    when: atStart,
    inject: first(6, 'CompleteMultipartUpload', { code: 'InternalError' }),
    expected: 'succeeded',
    cause: /StoreUnavailable/,
  },
  {
    name: 'someone aborts the upload, or a rule lets it expire, as parts are copied',
    theme,
    route,
    bed: 'large',
    happens: 'another upload is opened and filled from the start',
    when: { part: 1 },
    inject: (bed) => bed.abortUploads(),
    expected: 'succeeded',
    uploads: 2,
    cause: /UploadVanished/,
  },
  {
    name: 'someone aborts the upload before it is completed',
    theme,
    route,
    happens: 'another upload is opened and filled from the start',
    when: { state: 'Complete upload' },
    inject: (bed) => bed.abortUploads(),
    expected: 'succeeded',
    uploads: 2,
    cause: /UploadVanished/,
  },
  {
    name: 'someone aborts each upload',
    theme,
    route,
    happens: 'the guest fails after the third',
    when: atStart,
    inject: ({ s3 }) => {
      s3.plan = ({ operation }) => (operation === 'UploadPart' ? { code: 'NoSuchUpload' } : undefined)
    },
    expected: ['UploadVanished'],
    cause: /aborted by someone or by a lifecycle rule/,
  },
  {
    name: "a failed guest's upload can't be aborted",
    theme,
    route,
    happens: 'the guest fails with its own cause, and the reason says what is left; the sweep drops it',
    when: { state: 'Copy parts' },
    inject: (bed) => {
      bed.site.lab.control.touchArchive(newestArchive(bed).file, new Date(Date.now() + 60_000))
      bed.s3.plan = ({ operation }) => (operation === 'AbortMultipartUpload' ? { code: 'AccessDenied' } : undefined)
    },
    expected: ['SourceChanged'],
    cause: /changed while it was copied.*Clean-up: aborting the upload failed/,
    keepsUpload: 'it could not be aborted',
  },
]
