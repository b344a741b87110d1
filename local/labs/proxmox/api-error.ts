/** An error as the API shows it: status, text, and for wrong parameters a text per parameter. */
export class ApiError extends Error {
  readonly status: number
  readonly errors: Record<string, string> | undefined
  /** As a task shows it: Perl's exception class puts its code before the text, a plain `die` doesn't. */
  readonly asException: boolean
  constructor(
    status: number,
    message: string,
    options: { errors?: Record<string, string>; asException?: boolean } = {},
  ) {
    super(message)
    this.status = status
    this.errors = options.errors
    this.asException = options.asException ?? false
  }
}

export function parameterError(errors: Record<string, string>): ApiError {
  return new ApiError(400, 'Parameter verification failed.\n', { errors, asException: true })
}

/** `path, Privilege` → the 403 of a failed check. */
export function permissionError(what: string): ApiError {
  return new ApiError(403, `Permission check failed (${what})\n`, { asException: true })
}

/** A plain `die` in a handler. */
export function failure(text: string): ApiError {
  return new ApiError(500, `${text}\n`)
}

/** What a worker's `TASK ERROR:` line says of this error. */
export function taskText(error: unknown): string {
  if (error instanceof ApiError) {
    const text = error.message.trimEnd()
    return error.asException ? `${error.status} ${text}` : text
  }
  return error instanceof Error ? error.message : String(error)
}
