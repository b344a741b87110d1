/** A Fail state that passes an error on as it came; `Cause` is missing when a time limit ended the task. */
export const rethrown = {
  error: '{% $states.input.Error %}',
  cause: "{% $exists($states.input.Cause) ? $states.input.Cause : 'Step Functions gave no cause.' %}",
}
