import { once } from 'node:events'

/**
 * Write to standard output no faster than it is read: a long list isn't held in memory. When nobody reads on
 * (`… | head`), the command is over and that is no failure.
 */
export async function out(text: string): Promise<void> {
  if (!listening) {
    listening = true
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0)
      throw error
    })
  }
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

let listening = false
