import { describe, expect, it } from 'vitest'
import { guestliftProgram } from '../../../local/cli/program.ts'
import { listenForStop } from '../../../local/cli/stop-signals.ts'
import { cliPage } from '../../../local/reference/cli-page.ts'

const program = () => guestliftProgram(listenForStop({ on: () => undefined, off: () => undefined }))

describe('the generated pages; npm run docs:reference writes them', () => {
  it('show the help of every command', async () => {
    await expect(cliPage(program())).toMatchFileSnapshot('../../../docs/cli.md')
  })
})
