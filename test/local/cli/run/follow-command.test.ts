/** `guestlift follow`: what it prints of a run on AWS of which a guest failed. Step Functions and S3 are played. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { emptyOutcome } from '../../../../functions/operations/books/outcomes.ts'
import { type PlayedStepFunctions, playStepFunctions } from '../played-step-functions.ts'

const execution = 'arn:aws:states:us-east-1:111122223333:execution:guestlift-prod-export-run:nightly'
const failed = emptyOutcome({ id: '100', name: 'web' }, 'failed', 'BackupFailed', 'The disk is full.', 0)
const report = {
  version: 1,
  runId: 'nightly',
  site: 'hq',
  outcome: 'failed',
  summary: '0 of 1 guests archived, 1 failed, 0 skipped.',
  notes: [],
  startedAt: '2026-11-22T02:00:00.000Z',
  endedAt: '2026-11-22T02:10:00.000Z',
  guests: [failed],
}
const { outcome, summary } = report
const counts = { succeeded: 0, failed: 1, skipped: 0 }
const answer = { outcome, summary, bucket: 'archives', reportKey: 'runs/r/report.json', ...counts }

let aws: PlayedStepFunctions
beforeAll(async () => {
  aws = await playStepFunctions(['export-run'], execution, { ending: { status: 'FAILED' }, answer, report })
})
afterAll(() => aws.close())
beforeEach(() => {
  aws.ending = { status: 'FAILED', error: 'GuestsFailed', cause: 'Why.' }
  aws.answer = answer
})

it('names the log of a guest that failed, as AWS calls it', async () => {
  const { out } = await aws.guestlift(['follow', execution])
  expect(out).toMatch(
    /^ {4}The disk is full\.\n {4}Log: log groups \/aws\/lambda\/guestlift-prod-\*, lines with "guest":"100"$/m,
  )
})

it('names them of a run that ended before its report', async () => {
  aws.answer = undefined
  const { out } = await aws.guestlift(['follow', execution])
  expect(out).toMatch(/^note: What the functions logged is in the log groups \/aws\/lambda\/guestlift-prod-\*\.$/m)
})

it('names none where nobody can tell the deployment', async () => {
  const other = execution.replace('guestlift-prod-export-run', 'ours')
  const { out } = await aws.guestlift(['follow', other])
  expect(out).toMatch(/The disk is full\./)
  expect(out).not.toMatch(/Log:/)
})
