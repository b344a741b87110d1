/** Running a command in a VM through its agent. Of what it prints nothing is read. */
import * as z from 'zod'
import { InternalFault, RequestRejected } from '../../contracts/errors.ts'
import type { Restores } from '../capabilities/restores.ts'
import type { ProviderDeps } from '../provider-deps.ts'
import { apiPath, apiQuery } from './api-path.ts'
import type { ApiClient } from './client.ts'
import { where } from './errors.ts'

/** Between two looks at a command. */
const LOOK_MS = 2_000

/** POST …/agent/exec. From memory of the API: no recording has it. */
const startedSchema = z.object({ pid: z.coerce.number().int().nonnegative() })
/** GET …/agent/exec-status: a boolean is `1`, `0`, `true` or `false` by version; `exitcode` is absent after a signal. */
const statusSchema = z.object({
  exited: z.union([z.boolean(), z.literal([0, 1]), z.literal(['0', '1'])]),
  exitcode: z.coerce.number().int().optional(),
})

export function openGuestCommands(
  client: ApiClient,
  commands: Readonly<Record<string, readonly string[]>>,
  { now, sleep }: Pick<ProviderDeps, 'now' | 'sleep'>,
): Pick<Restores, 'commands' | 'runCommand'> {
  return {
    commands: Object.keys(commands),

    async runCommand({ node, id }, name, timeoutSeconds) {
      const command = commands[name]
      if (command === undefined) throw new InternalFault(`The site knows no command ${name} for guests.`)
      const about = client.about(`run the command ${name} in the guest`, { node, guest: id })
      const base = apiPath`/nodes/${node}/qemu/${id}/agent`
      const written = await client.write('POST', `${base}/exec`, about, { command })
      if (!written.answered) throw written.error
      const { success, data } = startedSchema.safeParse(written.data)
      if (!success) throw new RequestRejected(`${where(about)}: the agent's answer names no process.`)
      const path = `${base}/exec-status${apiQuery({ pid: data.pid })}`
      const until = now().getTime() + timeoutSeconds * 1000
      for (;;) {
        const { exited, exitcode } = (await client.get(path, statusSchema, about)).data
        if (exited === true || exited === 1 || exited === '1') return exitcode
        if (now().getTime() + LOOK_MS > until) return undefined
        await sleep(LOOK_MS)
      }
    },
  }
}
