import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { CreateSnapshotsCommand, DescribeSnapshotsCommand, EC2Client } from '@aws-sdk/client-ec2'
import { expect, it, onTestFinished } from 'vitest'
import { ec2SiteSchema } from '../../../../functions/providers/ec2/config.ts'
import { type Key, refusal } from './vendor.ts'

const main = fileURLToPath(new URL('../../../../local/labs/main.ts', import.meta.url))

interface Ready {
  url: string
  control: string
  credentials: Key[]
  instances: { id: string; volumes: unknown[] }[]
  site: unknown
  roleSite: unknown
}

it('is a program that prints its sites, lets others play faults, and stops cleanly', async () => {
  const child = spawn(process.execPath, [main, '--platform', 'ec2', '--instances', '5', '--written-mib', '1'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [first]: unknown[] = await once(child.stdout, 'data')
  const ready = JSON.parse(String(first)) as Ready
  for (const site of [ready.site, ready.roleSite]) expect(ec2SiteSchema.parse(site).regions).toEqual(['eu-central-1'])
  expect(ready.instances.map(({ volumes }) => volumes.length)).toEqual([2, 1, 1, 1, 1])

  const [credentials = { accessKeyId: '', secretAccessKey: '' }] = ready.credentials
  const ec2 = new EC2Client({ endpoint: ready.url, region: 'eu-central-1', credentials, maxAttempts: 1 })
  onTestFinished(() => ec2.destroy())
  const command = async (body: unknown): Promise<{ status: number; said: Record<string, unknown> }> => {
    const answer = await fetch(ready.control, { method: 'POST', body: JSON.stringify(body) })
    return { status: answer.status, said: (await answer.json()) as Record<string, unknown> }
  }
  const InstanceId = ready.instances[0]?.id ?? ''
  const freeze = new CreateSnapshotsCommand({ InstanceSpecification: { InstanceId } })
  await command({ holdSnapshots: true, nextAnswer: { action: 'CreateSnapshots', fate: 'lost' } })
  expect((await refusal(ec2.send(freeze))).status).toBeUndefined()
  const own = new DescribeSnapshotsCommand({ OwnerIds: ['self'] })
  for (let times = 0; times < 3; times += 1)
    expect((await ec2.send(own)).Snapshots?.map(({ State }) => State)).toEqual(['pending', 'pending'])
  const { said } = await command({ holdSnapshots: false, addInstance: { name: 'new', writtenBlocks: 3 } })
  expect(said).toMatchObject({
    snapshots: [{ state: 'completed', writtenBlocks: 2 }, { state: 'completed' }],
    calls: { CreateSnapshots: 1, DescribeSnapshots: 3 },
    instances: expect.arrayContaining([expect.objectContaining({ tags: { Name: 'new' } })]) as unknown,
  })

  expect(await command({ removeSnapshot: 'snap-1', removeInstance: InstanceId })).toEqual({
    status: 400,
    said: { error: "The lab can't do this: there is no snapshot snap-1." },
  })
  expect((await command({})).said['error']).toContain('there is no verb in it')
  const shown = (await (await fetch(ready.control)).json()) as { instances: unknown[] }
  expect(shown.instances).toHaveLength(6)

  child.kill('SIGTERM')
  expect(await once(child, 'exit')).toEqual([0, null])
})
