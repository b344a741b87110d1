import type { Exit, State } from './definition.ts'
import { evaluationFailure, StateFailure } from './errors.ts'
import type { ExecutionRun, Frame } from './execution-run.ts'
import { type EvaluationContext, evaluateTemplate, type Template } from './expressions.ts'
import type { EventDetails } from './history.ts'
import { isJsonObject, type Json } from './json.ts'
import { requirePayloadSize } from './limits.ts'

/** What a state leaves behind. */
export interface Step {
  readonly output: Json
  readonly assigned: Readonly<Record<string, Json>>
  /** Undefined at an end. */
  readonly next: string | undefined
}

/** What else an expression sees at some point of a state. */
export interface Extras {
  readonly result?: Json
  readonly errorOutput?: Json
  readonly mapItem?: { readonly Index: number; readonly Value: Json }
}

/** One entry into a state, until it is left: the input it came with and the context its expressions see. */
export class Visit {
  readonly state: State
  readonly input: Json
  readonly frame: Frame
  readonly enteredId: number
  /** The event before the one that entered the state. */
  readonly previousId: number
  retryCount = 0
  readonly #enteredTime: string

  constructor(state: State, input: Json, frame: Frame) {
    this.state = state
    this.input = input
    this.frame = frame
    this.previousId = frame.thread.last
    this.#enteredTime = new Date(frame.run.world.clock.now()).toISOString()
    this.enteredId = this.record(`${state.type}StateEntered`, { name: state.name, input })
  }

  get run(): ExecutionRun {
    return this.frame.run
  }

  record(type: string, details: EventDetails = {}): number {
    return this.run.history.append(this.frame.thread, type, details)
  }

  async evaluate(template: Template, extras: Extras = {}): Promise<Json> {
    return evaluateTemplate(template, this.#context(extras))
  }

  /** Evaluates Output and Assign, both on the variables as they are before either. Without Output the state gives `fallback`. */
  async leave(exit: Exit, fallback: Json, next: string | undefined, extras: Extras = {}): Promise<Step> {
    const assigned = exit.assign === undefined ? {} : await this.evaluate(exit.assign, extras)
    const output = exit.output === undefined ? fallback : await this.evaluate(exit.output, extras)
    requirePayloadSize(output, `The state/task '${this.state.name}' returned a result`)
    requirePayloadSize(assigned, `The state/task '${this.state.name}' assigned variables`)
    if (!isJsonObject(assigned)) throw evaluationFailure('Assign must be an object', 'Assign')
    return { output, assigned, next }
  }

  /**
   * Gives a failure that arose in this state its final form: AWS's opening words, and the event EvaluationFailed for a field
   * that couldn't be evaluated. Failures that have it already pass through.
   */
  place(failure: StateFailure): StateFailure {
    if (!failure.naming) return failure
    const placed = new StateFailure(
      failure.error,
      `An error occurred while executing the state '${this.state.name}' (entered at the event id #${this.enteredId}). ${failure.failureCause ?? ''}`,
      { location: failure.location, terminal: failure.terminal },
    )
    if (failure.evaluation) {
      // AWS lets a Map's failed evaluation point back before the Map was entered.
      if (this.state.type === 'Map' && this.frame.thread.last === this.enteredId)
        this.frame.thread.last = this.previousId
      this.record('EvaluationFailed', {
        error: placed.error,
        cause: placed.failureCause,
        location: failure.location,
        state: this.state.name,
      })
    }
    return placed
  }

  /**
   * Sleeps by the execution's clock. Returns false when a graceful stop ended the sleep early; throws Cancelled when the line is cut.
   */
  async sleep(milliseconds: number): Promise<boolean> {
    const { signal } = this.frame
    signal.throwIfAborted()
    const interrupted = this.run.interruption.signal
    try {
      await this.run.world.clock.sleep(milliseconds, AbortSignal.any([signal, interrupted]))
      return true
    } catch (error) {
      signal.throwIfAborted()
      if (interrupted.aborted) return false
      throw error
    }
  }

  #context(extras: Extras): EvaluationContext {
    const { run, variables } = this.frame
    const mapItem = extras.mapItem ?? this.frame.mapItem
    return {
      surroundings: run.surroundings,
      variables: variables.visible(),
      states: {
        input: this.input,
        ...(extras.result === undefined ? {} : { result: extras.result }),
        ...(extras.errorOutput === undefined ? {} : { errorOutput: extras.errorOutput }),
        context: {
          Execution: {
            Id: run.arn,
            Input: run.input,
            Name: run.name,
            RoleArn: run.world.roleArn,
            StartTime: run.startedAt,
            RedriveCount: 0,
          },
          StateMachine: { Id: run.world.machineArn, Name: run.world.machineName },
          State: { Name: this.state.name, EnteredTime: this.#enteredTime, RetryCount: this.retryCount },
          ...(mapItem === undefined ? {} : { Map: { Item: { Index: mapItem.Index, Value: mapItem.Value } } }),
        },
      },
    }
  }
}
