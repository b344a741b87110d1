/** A server's refusal of one request about a file that is brought, as the fact that the workflow knows. */
import { ConnectionDropped, TargetUnwritable } from '../../contracts/errors.ts'
import { SftpRefusal } from '../../ssh/sftp/sftp-client.ts'
import { statusCode } from '../../ssh/sftp/sftp-wire.ts'
import { deniedFact, missingFact } from '../target-facts.ts'

/** Anything that isn't a refusal passes as it is. */
export function refusalFact(error: unknown, path: string, where: string, username: string): unknown {
  if (!(error instanceof SftpRefusal)) return error
  const cause = { cause: error }
  switch (error.code) {
    case statusCode.noSuchFile:
      return missingFact(path, where, username, error.message, cause)
    case statusCode.permissionDenied:
      return deniedFact(path, where, username, error.message, cause)
    case statusCode.noConnection:
    case statusCode.connectionLost:
      return new ConnectionDropped(`${where} lost its own connection to ${path}: ${error.message}`, cause)
    default:
      // The protocol has one word for a full disk, a quota, and a disk that fails.
      return new TargetUnwritable(
        `${where} failed to write ${path}: ${error.message}. Check the disk, the quota and the limits of user ${username} there.`,
        cause,
      )
  }
}
