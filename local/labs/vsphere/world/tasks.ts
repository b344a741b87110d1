/** Tasks: they show themselves unfinished for a while, and their work is done when they end. */
import { taskInProgress, VimFault } from '../wire/faults.ts'
import type { Value } from '../wire/values.ts'
import type { Guest, Task, User, World } from './world.ts'

const KEPT_MS = 10 * 60_000

export interface NewTask {
  name: string
  descriptionId: string
  entity: { type: string; id: string; name: string }
  effect: () => Value | undefined
}

const isUnfinished = ({ state }: Task): boolean => state === 'queued' || state === 'running'

export function startTask(world: World, user: User, given: NewTask): Task {
  const task: Task = {
    type: 'Task',
    id:
      world.product.kind === 'host'
        ? `haTask-${given.entity.id}-vim.${given.descriptionId}-${world.nextNumber()}`
        : `task-${world.nextNumber()}`,
    ...given,
    user: user.name,
    state: 'queued',
    progress: undefined,
    result: undefined,
    fault: undefined,
    queuedAt: world.now(),
    startedAt: undefined,
    completedAt: undefined,
    asksLeft: world.settings.taskAsks,
    held: world.settings.heldTasks,
    failure: undefined,
  }
  world.tasks.set(task.id, task)
  return task
}

/** Do the work of a task, or let it fail. */
export function finishTask(world: World, task: Task): void {
  if (!isUnfinished(task)) return
  task.startedAt ??= world.now()
  task.completedAt = world.now()
  task.progress = undefined
  const { failure } = task
  try {
    if (failure === undefined || failure.leaves) task.result = task.effect()
    task.state = 'success'
    if (failure !== undefined) throw failure.fault
  } catch (error) {
    if (!(error instanceof VimFault)) throw error
    task.result = undefined
    task.state = 'error'
    task.fault = error
  }
}

/** Somebody asks for the task: it goes one step on. */
export function stepTask(world: World, task: Task): void {
  if (!isUnfinished(task)) return
  if (!task.held && task.asksLeft <= 0) {
    finishTask(world, task)
    return
  }
  // The first of several looks finds it queued.
  const first = task.asksLeft > 1 && task.asksLeft === world.settings.taskAsks && !task.held
  if (!task.held) task.asksLeft -= 1
  if (first) return
  task.startedAt ??= world.now()
  task.state = 'running'
  task.progress = Math.min(99, (task.progress ?? 0) + 17)
}

/** A finished task's object is kept for ten minutes. */
export function taskOf(world: World, id: string): Task | undefined {
  const task = world.tasks.get(id)
  if (task?.completedAt === undefined || world.now().getTime() - task.completedAt.getTime() < KEPT_MS) return task
  world.tasks.delete(id)
  return undefined
}

export const tasksOf = (world: World, entityId: string): Task[] =>
  [...world.tasks.keys()]
    .map((id) => taskOf(world, id))
    .filter((task) => task !== undefined)
    .filter(({ entity }) => entity.id === entityId)

export const unfinishedTasks = (world: World, entityId: string): Task[] => tasksOf(world, entityId).filter(isUnfinished)

/** Whoever looks at a guest sees its tasks go on, even when nobody asks for them. */
export function stepTasksOf(world: World, guest: Guest): void {
  for (const task of unfinishedTasks(world, guest.id)) stepTask(world, task)
}

/**
 * A guest does one thing at a time. The call counts as a look at what goes on.
 * @throws VimFault TaskInProgress
 */
export function demandIdle(world: World, guest: Guest): void {
  stepTasksOf(world, guest)
  const [task] = unfinishedTasks(world, guest.id)
  if (task !== undefined) throw taskInProgress(task.id)
}
