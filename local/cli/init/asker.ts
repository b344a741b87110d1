import { CliError, UsageError } from '../../run/cli-error.ts'

/** One thing that has to be known. `flag` is the option that answers it without asking. */
export interface Question {
  flag: string
  message: string
  /** What Enter means, and `--yes`. */
  usual?: string
  /** Why an answer can't be used, a sentence; `undefined` for a good one. */
  complaint?: (answer: string) => string | undefined
}

export interface Choice {
  value: string
  label: string
}

/** Gets answers. A flag's answer is looked at by `answeredBy`, so that none of these asks what is known already. */
export interface Asker {
  text(question: Question): Promise<string>
  /** What is typed isn't shown. */
  secret(question: Question): Promise<string>
  choose(question: Question, choices: readonly Choice[]): Promise<string>
  /** Nothing but a clear yes is a yes. */
  confirm(question: Question): Promise<boolean>
  /** Lines to read, as they are: people copy them. */
  say(title: string, lines?: readonly string[]): void
  /** Ask again while what the flag answers can't be used, as an address at which nobody is. Only a person is asked again. */
  untilUsable<Result>(flag: string, work: () => Promise<Result>): Promise<Result>
}

/** A person left before the end. */
export class Cancelled extends CliError {
  constructor(message = 'Stopped. Nothing was written.') {
    super(message)
  }
}

/** Asks nobody: what neither a flag nor the usual answer tells is an error. */
export function silentAsker(write: (text: string) => void): Asker {
  const usual = async ({ flag, usual }: Question): Promise<string> => {
    if (usual === undefined) throw new UsageError(`With --yes nothing is asked: give ${flag}.`)
    return usual
  }
  return {
    text: usual,
    secret: usual,
    choose: usual,
    confirm: async ({ flag, message }) => {
      throw new UsageError(`${message} With --yes nothing is asked: compare it, then give ${flag}.`)
    },
    say: (title, lines = []) => write([title, ...lines, ''].map((line) => `${line}\n`).join('')),
    untilUsable: (_flag, work) => work(),
  }
}

/** Asks in a terminal. */
export async function terminalAsker(): Promise<Asker> {
  // Loaded here alone: no other command pays for it.
  const prompts = await import('@clack/prompts')
  const answered = <Value>(answer: Value): Exclude<Value, symbol> => {
    if (prompts.isCancel(answer)) throw new Cancelled()
    return answer as Exclude<Value, symbol>
  }
  const validated = ({ complaint, usual }: Question) => ({
    validate: (typed: string | undefined) => {
      const answer = typed === undefined || typed.trim() === '' ? usual : typed.trim()
      return answer === undefined ? 'An answer is needed.' : complaint?.(answer)
    },
  })
  return {
    async text(question) {
      const { message, usual } = question
      const shown = usual === undefined ? {} : { placeholder: usual === '' ? 'none' : usual, defaultValue: usual }
      return answered(await prompts.text({ message, ...shown, ...validated(question) })).trim()
    },
    async secret(question) {
      const { message } = question
      return answered(await prompts.password({ message, ...validated(question) })).trim()
    },
    async choose({ message, usual }, choices) {
      const options = choices.map(({ value, label }) => ({ value, label }))
      return answered(
        await prompts.select({ message, options, ...(usual === undefined ? {} : { initialValue: usual }) }),
      )
    },
    confirm: async ({ message }) => answered(await prompts.confirm({ message, initialValue: false })),
    say: (title, lines = []) => {
      prompts.log.step(title)
      // Without the frame around it, so that what is copied runs.
      if (lines.length > 0) process.stdout.write(`${lines.join('\n')}\n`)
    },
    async untilUsable(_flag, work) {
      for (;;) {
        try {
          return await work()
        } catch (error) {
          if (!(error instanceof CliError) || error instanceof Cancelled) throw error
          prompts.log.error(error.message)
        }
      }
    },
  }
}

/** The answers that flags gave, by their flags; what none of them answers is asked. */
export function answeredBy(given: Map<string, string>, asker: Asker): Asker {
  const first = async (question: Question, ask: () => Promise<string>): Promise<string> => {
    const answer = given.get(question.flag) ?? (await ask())
    const complaint = question.complaint?.(answer)
    if (complaint !== undefined) throw new UsageError(`${question.flag}: ${complaint}`)
    return answer
  }
  return {
    text: (question) => first(question, () => asker.text(question)),
    secret: (question) => first(question, () => asker.secret(question)),
    choose: (question, choices) => first(question, () => asker.choose(question, choices)),
    confirm: (question) => asker.confirm(question),
    say: (title, lines) => asker.say(title, lines),
    untilUsable: (flag, work) =>
      asker.untilUsable(flag, () =>
        work().catch((error: unknown) => {
          // A flag answers once: what it said is of no use.
          given.delete(flag)
          throw error
        }),
      ),
  }
}
