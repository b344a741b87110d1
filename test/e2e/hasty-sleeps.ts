/**
 * Loaded into each function's process: what it sleeps between two looks passes so many times faster as `haste` in this
 * module's address says. Its clock, its time limits and the timers of its connections keep the real time.
 */
import { createRequire } from 'node:module'
import type { setTimeout } from 'node:timers/promises'

// The very object that bundles read; a namespace import would be a copy.
const timers = createRequire(import.meta.url)('node:timers/promises') as { setTimeout: typeof setTimeout }
const haste = Number(new URL(import.meta.url).searchParams.get('haste') ?? 1)
const { setTimeout: delay } = timers

timers.setTimeout = (milliseconds = 0, value, options) => delay(milliseconds / haste, value, options)
