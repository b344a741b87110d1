import { InvalidJob } from '../../../functions/contracts/errors.ts'
import { readRequest, type Request } from '../../../functions/domain/selection/request.ts'
import { writtenJobs } from '../../../functions/providers/registry.ts'
import { atItsPlaces, readDocument, type WrittenDocument } from '../../documents/read-document.ts'
import { CliError } from '../../run/cli-error.ts'

/** A job as a person wrote it, in any of its shapes. @throws CliError naming the file */
export function readJobFile(path: string): Promise<WrittenDocument> {
  return readDocument(path, {
    noun: 'job',
    page: 'docs/jobs.md',
    // What can't be read at all is no job.
    error: (message, options) => (options === undefined ? new CliError(message) : new InvalidJob(message, options)),
  })
}

/** The job of a file. @throws CliError, InvalidJob naming file, line and column of each wrong field */
export function requestIn(document: WrittenDocument, defaultSite: string | undefined): Request {
  return atItsPlaces(document, (value) => readRequest(value, defaultSite, writtenJobs))
}
