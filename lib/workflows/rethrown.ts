/**
 * The cause of a failure in plain words, for a Fail state: the message alone of what Lambda wraps in JSON with a stack trace,
 * without quotes, backslashes and line breaks. A notice carries it as part of a JSON string, and EventBridge "doesn't
 * escape values extracted by Input Path, when populating the Input Template":
 * https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
 * The message is cut out and not parsed: Step Functions cuts a long cause short, and what fails in a Fail state hides its cause.
 * Backslashes are written as `\x5c`: JSONata's reader takes a bracket behind two of them for an escaped one.
 * @param cause a JSONata expression of a text
 */
export function plainCause(cause: string): string {
  const plain = [
    String.raw`$replace(/^.*?"errorMessage":"((?:[^"\x5c]|\x5c.)*).*$/, '$1')`,
    String.raw`$replace(/\x5c?"/, "'")`,
    String.raw`$replace(/(\x5c[nrt]|[\x5c\x00-\x20])+/, ' ')`,
  ]
  return `{% $trim((${cause}) ~> ${plain.join(' ~> ')}) %}`
}

/** A Fail state that passes an error on, its cause in plain words; `Cause` is missing when a time limit ended the task. */
export const rethrown = {
  error: '{% $states.input.Error %}',
  cause: plainCause("$exists($states.input.Cause) ? $states.input.Cause : 'Step Functions gave no cause.'"),
}
