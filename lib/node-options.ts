/** Options of Node.js for the functions. Also read by the benchmark, which measures what is deployed. */

/** Stack traces show the sources' lines. */
export const nodeOptions = '--enable-source-maps'

/**
 * For functions that move bytes. Each TLS record and SSH packet is a short-lived buffer object; with a young generation
 * of 1 MiB they are collected at once, in place of in large sweeps that the collector's threads share. Measured by the
 * benchmarks: a third less CPU per GiB and 50 MiB less memory where archives are copied, and half of the CPU where they are
 * decompressed.
 */
export const byteMoverNodeOptions = `${nodeOptions} --max-semi-space-size=1`
