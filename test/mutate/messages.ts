/** Load a file of tests and run them all, noting what each runs of the files in question. */
export interface Look {
  kind: 'look'
  testFile: string
  /** From the root. */
  files: readonly string[]
}

/** Run some tests of a file with a changed file in place of the one on disk. */
export interface Try {
  kind: 'try'
  testFile: string
  file: string
  /** TypeScript. */
  source: string
  /** What is loaded anew: whatever reaches the changed file. */
  anew: readonly string[]
  tests: readonly number[]
  /** CPU time after which the process ends itself, in seconds. */
  cpuSeconds: number
  /** Turns of the event loop, a tenth of a second apart or more, that one test may wait for. */
  ticks: number
}

export type Order = Look | Try

/** Ranges of a file's text that ran. */
export type Ran = Record<string, readonly (readonly [start: number, end: number])[]>

export interface Looked {
  kind: 'looked'
  tests: { name: string; ran: Ran; cpuSeconds: number; ticks: number }[]
  /** What runs while the file is loaded. */
  atLoad: Ran
  /** Why the file is of no use here: it doesn't load, or a test fails without any change. */
  trouble?: string
}

export interface Tried {
  kind: 'tried'
  /** The first test that noticed. */
  noticedBy?: string
  error?: string
}

/** With the CPU time of the whole process so far, in seconds. */
export type Answer = (Looked | Tried) & { processSeconds: number }
