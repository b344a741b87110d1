import type { TaskOutput } from '../../functions/contracts/tasks.ts'

type Answer = TaskOutput<'StartBackup'>

/** The answer of a Start backup that began or adopted a job. @throws when it has to wait */
export function begun(answer: Answer): Extract<Answer, { jobRef: string }> {
  if (!('jobRef' in answer)) throw new Error(`no job: ${answer.reason}`)
  return answer
}
