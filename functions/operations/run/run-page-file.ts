import { createHash } from 'node:crypto'
import { GuestliftError } from '../../contracts/errors.ts'
import type { RunReport } from '../../contracts/report.ts'
import { runPageKey, reportKey } from '../../domain/books/object-keys.ts'
import { runPage } from '../../report-page/run-page.ts'
import type { Ports } from '../ports.ts'

/** Write a run's page beside its report. A copy: a store that refuses it changes nothing of the run, and is logged. */
export async function writeRunPage(
  prefix: string,
  report: RunReport,
  { store, log, toolVersion }: Pick<Ports, 'store' | 'log' | 'toolVersion'>,
): Promise<void> {
  const about = { bucket: store.bucket, reportKey: reportKey(prefix), toolVersion }
  const sha256 = (text: string) => createHash('sha256').update(text).digest('base64')
  const text = [...runPage(report, about, sha256)].join('')
  try {
    await store.writeText(runPageKey(prefix), text, { contentType: 'text/html; charset=utf-8' })
  } catch (error) {
    if (!(error instanceof GuestliftError)) throw error
    log('run-page-not-written', { key: runPageKey(prefix), reason: error.message })
  }
}
