import { execFile } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A changed file, in full. */
export interface Changed {
  file: string
  source: string
}

const OUTPUT_BYTES = 64 * 1024 * 1024

/**
 * The changes that the type checker refuses, by their index. One program judges all: each changed file lies in a root of
 * its own, and what it imports is found beside the originals.
 */
export async function refusedByTypes(root: string, changed: readonly Changed[]): Promise<Set<number>> {
  if (changed.length === 0) return new Set()
  const folder = join(root, '.guestlift', 'mutants', String(process.pid))
  try {
    for (const [index, { file, source }] of changed.entries()) {
      const path = join(folder, String(index), file)
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, source)
    }
    const project = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { rootDirs: [root, ...changed.map((_, index) => join(folder, String(index)))] },
      include: [],
      files: changed.map(({ file }, index) => join(folder, String(index), file)),
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(project))
    return complaints(await typeScript(root, join(folder, 'tsconfig.json')), String(process.pid))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function complaints(output: string, run: string): Set<number> {
  const lines = output.matchAll(new RegExp(String.raw`mutants/${run}/(\d+)/[^(\n]*\(\d+,\d+\): error`, 'g'))
  return new Set([...lines].map((match) => Number(match[1])))
}

function typeScript(root: string, project: string): Promise<string> {
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  return new Promise((resolve, reject) => {
    const args = [compiler, '--noEmit', '--pretty', 'false', '-p', project]
    execFile(process.execPath, args, { cwd: root, maxBuffer: OUTPUT_BYTES }, (error, stdout, stderr) => {
      // It ends with 1 or 2 for errors in the files; anything else is an error of its own.
      if (error !== null && !/error TS/.test(stdout)) {
        reject(new Error(`The type checker failed: ${stderr || error.message}`))
      } else resolve(stdout)
    })
  })
}
