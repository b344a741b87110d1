/** Every record that operations keep in the bucket: its schema, its version, and what a person can do about a broken one. */
import * as z from 'zod'
import { auditReportSchema } from '../../contracts/audit.ts'
import { catalogueIndexSchema } from '../../contracts/catalogue.ts'
import { contentIndexSchema, indexedMemberSchema } from '../../contracts/content-index.ts'
import { coverageReportSchema } from '../../contracts/coverage.ts'
import { allocationMapSchema, diskPlanSchema, frameListSchema, partRecordSchema } from '../../contracts/disk-archive.ts'
import { drillEvidenceSchema, drillPlanSchema, drillReportSchema, rehearsalBookSchema } from '../../contracts/drill.ts'
import { jobSchema } from '../../contracts/job.ts'
import { keptVerdictSchema } from '../../contracts/kept-verdict.ts'
import { manifestSchema } from '../../contracts/manifest.ts'
import { guestProgressSchema } from '../../contracts/progress.ts'
import { pinSchema } from '../../contracts/pin.ts'
import { pruningPlanSchema, pruningReportSchema } from '../../contracts/pruning.ts'
import { pruningLeaseSchema } from '../../contracts/pruning-lease.ts'
import { restoreLeaseSchema, restoreRecordSchema } from '../../contracts/restore-record.ts'
import { restoreReportSchema } from '../../contracts/restore-report.ts'
import { guestOutcomeSchema, runReportSchema } from '../../contracts/report.ts'
import { clockConfirmationSchema, guestRetentionSchema, removalRecordSchema } from '../../contracts/retention-report.ts'
import { selectionRecordSchema } from '../../contracts/selection.ts'
import { siteBookSchema } from '../../contracts/site-book.ts'
import { siteConfigurationSchema } from '../../contracts/site-configuration.ts'
import { strayReportSchema, sweepReportSchema } from '../../contracts/sweep.ts'
import { keptEvidenceSchema } from '../../contracts/kept-evidence.ts'
import { planItemSchema } from '../../contracts/plan-item.ts'
import { uploadRecordSchema } from '../../contracts/upload-record.ts'
import { verificationSchema } from '../../contracts/verification.ts'
import {
  unreadRecordSchema,
  verificationItemSchema,
  verificationReportSchema,
} from '../../contracts/verification-report.ts'
import { dumpQueueSchema } from '../../domain/backup/dump-queue.ts'
import { guestClaimSchema } from '../../domain/backup/guest-claim.ts'
import type { Shape } from '../../domain/books/stored-record.ts'
import { streamLedgerSchema } from '../../domain/transfer/stream-ledger.ts'

/** Records without a `version` count as version 1. */
function shape<Value>(
  name: string,
  schema: z.ZodType<Value>,
  remedy: string,
  { version = 1, pretty = false } = {},
): Shape<Value> {
  return { name, schema, version, remedy, pretty }
}

const readable = { pretty: true }
const IF_IDLE = 'If no run is active on this site, remove that object and run again.'
const NEW_RUN = 'Start a new run.'
const COPY = 'It is a report: nothing depends on it. Move it away and try again.'

export const claimShape = shape('claim', guestClaimSchema, IF_IDLE)
export const dumpQueueShape = shape('queue of dumps', dumpQueueSchema, IF_IDLE)
export const streamLedgerShape = shape('ledger of streams', streamLedgerSchema, IF_IDLE)
export const uploadRecordShape = shape(
  "upload's record",
  uploadRecordSchema,
  'It may hold the only checksum of a finished object. Move it away to send that archive anew.',
  readable,
)
const NEW_UPLOAD = 'Move it away, abort the upload, and archive the disk anew.'
export const diskPlanShape = shape('plan of the disk', diskPlanSchema, NEW_UPLOAD)
export const allocationMapShape = shape('map of written blocks', allocationMapSchema, NEW_UPLOAD)
export const partRecordShape = shape('record of a part', partRecordSchema, 'Remove it: the part is then sent again.')
export const frameListShape = shape(
  'list of frames',
  frameListSchema,
  "The archive is whole without it; only a new archive can't be made from its frames.",
)
export const manifestShape = shape(
  'manifest',
  manifestSchema,
  'Compare it with the files beside it, and restore an older version of it if the bucket has one.',
  readable,
)
export const verificationShape = shape(
  'verification result',
  verificationSchema,
  'It may say that the archive is damaged. Move it away and verify the archive again.',
  readable,
)
export const keptVerdictShape = shape('kept verdict of a reading', keptVerdictSchema, COPY, readable)
const NEW_INDEX = 'The archive is whole without it. Verify the archive again for a new one.'
export const contentIndexShape = shape('index of the content', contentIndexSchema, NEW_INDEX)
export const indexedMemberShape = shape('line of the index of the content', indexedMemberSchema, NEW_INDEX)
export const runPlanShape = shape('plan of the run', z.array(planItemSchema), NEW_RUN)
export const jobShape = shape('job of the run', jobSchema, NEW_RUN, readable)
export const selectionShape = shape('selection of the run', selectionRecordSchema, COPY, readable)
export const outcomeShape = shape('outcome of the guest', guestOutcomeSchema, COPY)
export const progressShape = shape('progress of the guest', guestProgressSchema, COPY)
export const evidenceShape = shape('evidence of the backup', keptEvidenceSchema, 'Repeat this guest in a new run.')
export const runReportShape = shape('report of the run', runReportSchema, COPY, readable)
export const removalShape = shape(
  'record of a removal',
  removalRecordSchema,
  'What it names may be half removed. Look at that folder, then move the record away.',
  readable,
)
export const clockConfirmationShape = shape(
  "person's word on a guest's clock",
  clockConfirmationSchema,
  'Move it away and confirm again.',
  readable,
)
export const pinShape = shape(
  'pin of an archive',
  pinSchema,
  'It pins all the same. Unpin the archive and pin it again.',
  readable,
)
export const leaseShape = shape(
  'lease of a pruning',
  pruningLeaseSchema,
  'Remove it when no pruning of this guest is at work.',
)
export const siteBookShape = shape(
  'book of the site',
  siteBookSchema,
  'Nobody knows now which cluster the archives come from. Restore an older version of that object.',
)
export const retentionShape = shape('report of retention', guestRetentionSchema, COPY, readable)
export const pruningPlanShape = shape('plan of the pruning', pruningPlanSchema, 'Start the pruning anew.', readable)
export const pruningReportShape = shape(
  'report of the pruning',
  pruningReportSchema,
  'The pruning goes on by it. Start the pruning anew.',
  readable,
)
export const sweepReportShape = shape('report of the sweep', sweepReportSchema, 'Start another sweep.', readable)
export const strayReportShape = shape('report of the strays', strayReportSchema, 'Start another sweep.', readable)
export const coverageReportShape = shape('report of the coverage', coverageReportSchema, COPY, readable)
export const verificationPlanShape = shape(
  'plan of the verification',
  z.array(verificationItemSchema),
  'Start the verification anew.',
)
export const unreadShape = shape(
  'list of what the verification leaves out',
  unreadRecordSchema,
  'Start the verification anew.',
  readable,
)
export const verificationReportShape = shape('report of the verification', verificationReportSchema, COPY, readable)
export const catalogueIndexShape = shape(
  'index of the catalogue',
  catalogueIndexSchema,
  'It is a copy: guestlift catalog rebuild writes it anew.',
  { version: 5 },
)
export const restoreRecordShape = shape(
  'record of the restore',
  restoreRecordSchema,
  'Look on the site for what the restore made, remove it there, and start another restore.',
  readable,
)
export const restoreLeaseShape = shape(
  'lease of the restore',
  restoreLeaseSchema,
  'Remove it when no restore to this id is at work.',
)
export const restoreReportShape = shape('report of the restore', restoreReportSchema, COPY, readable)
export const drillEvidenceShape = shape('evidence of the drill', drillEvidenceSchema, COPY, readable)
export const drillPlanShape = shape('plan of the drill', drillPlanSchema, 'Start another drill.', readable)
export const drillReportShape = shape('report of the drill', drillReportSchema, COPY, readable)
export const rehearsalBookShape = shape(
  'book of rehearsals',
  rehearsalBookSchema,
  'It is a copy: remove it, and it is written anew from the evidence below drills/.',
  readable,
)

export const siteConfigurationShape = shape(
  "record of the site's configuration",
  siteConfigurationSchema,
  'It stays as it is, and a new one is written beside it.',
  readable,
)
/** Not kept in the bucket: people keep it. */
export const auditReportShape = shape('evidence of a period', auditReportSchema, 'Make it anew: guestlift report.')
