import { readdirSync, readFileSync } from 'node:fs'
import { readAssembly } from '../../local/run/synthesised.ts'

/** Kill every process of a function, as Lambda does at its limits: no warning, no clean-up. Returns how many there were. */
export async function killFunction(assembly: string, stem: string): Promise<number> {
  const { functions } = await readAssembly(assembly, { archiveBucket: 'any' })
  const directory = functions[stem]?.directory ?? stem
  const victims = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => commandLine(pid).includes(directory))
  for (const pid of victims) process.kill(Number(pid), 'SIGKILL')
  return victims.length
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
