import { outliveReaders } from '../local/cli/lost-terminal.ts'
import { runCommandLine } from '../local/cli/main.ts'

outliveReaders()
await runCommandLine(process.argv.slice(2))
