/** `npm run vectors -- <file>`: one JSON line per case that is decided otherwise than recorded, then how many agree. */
import { readFile } from 'node:fs/promises'
import { compareVector, vectorsSchema } from './compare.ts'

const [file] = process.argv.slice(2)
if (file === undefined) {
  console.error('usage: npm run vectors -- <file>, a recording of what Proxmox decided')
  process.exitCode = 64
} else {
  try {
    const vectors = vectorsSchema.parse(JSON.parse(await readFile(file, 'utf8')))
    const disagreements = vectors.map(compareVector).filter((found) => found !== undefined)
    for (const disagreement of disagreements) console.log(JSON.stringify(disagreement))
    console.log(`${vectors.length - disagreements.length} of ${vectors.length} agree`)
    // An empty file proves nothing.
    process.exitCode = disagreements.length === 0 && vectors.length > 0 ? 0 : 1
  } catch (error) {
    console.error(`vectors: ${file}: ${error instanceof Error ? error.message : String(error)}`)
    process.exitCode = 1
  }
}
