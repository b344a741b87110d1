/** Options of Node.js for the functions. Also read by the benchmark, which measures what is deployed. */

/**
 * For functions that move bytes. Each TLS record and SSH packet is a short-lived buffer object; with a young generation
 * of 1 MiB they are collected at once, in place of in large sweeps that the collector's threads share. Measured by the
 * benchmarks: a third less CPU per GiB and 50 MiB less memory where archives are copied, and half of the CPU where they are
 * decompressed.
 */
export const byteMoverNodeOptions = '--max-semi-space-size=1'

/** Of a function's memory, in percent: what Lambda's own start script gives the old generation of the heap. */
const OLD_SPACE_PERCENT = 90

/**
 * Options of a function, where it has any. Lambda's start script sets the heap's limit by the function's memory, unless
 * NODE_OPTIONS has one of two options: `--max-old-space-size` or `--max-semi-space-size`. Then it sets neither, so both
 * stand here.
 */
export function functionNodeOptions(movesBytes: boolean, memoryMiB: number): string | undefined {
  if (!movesBytes) return undefined
  return `${byteMoverNodeOptions} --max-old-space-size=${Math.floor((memoryMiB * OLD_SPACE_PERCENT) / 100)}`
}
