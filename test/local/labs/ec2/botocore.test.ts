/** The lab, judged by botocore, which other people wrote: its own parsers, its own signatures, AWS's descriptions. */
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { seededContent } from '../../../../local/labs/ec2/disk.ts'
import { startEc2Lab } from '../../../../local/labs/ec2/lab.ts'

const script = fileURLToPath(new URL('../../../tools/botocore-judge.py', import.meta.url))
const has = (python: string, library: string): boolean => spawnSync(python, ['-c', `import ${library}`]).status === 0

const python = ['python3', '/usr/bin/python3'].find((each) => has(each, 'botocore') || has(each, 'awscli.botocore'))
if (python === undefined) console.warn('skipped: no botocore')

it.skipIf(python === undefined)('takes botocore through a backup and a restore', async () => {
  const role = 'arn:aws:iam::111122223333:role/judge'
  const content = seededContent(
    Array.from({ length: 250 }, (_none, index) => index * 3),
    1,
  )
  const lab = await startEc2Lab({
    roles: [{ arn: role, externalId: 'between-us' }],
    instances: Array.from({ length: 12 }, (_none, index) => ({
      id: `i-${String(index).padStart(17, '0')}`,
      volumes: [{ device: '/dev/xvda', sizeGiB: 1, ...(index === 0 ? { content } : {}) }],
    })),
  })
  onTestFinished(() => lab.close())
  const [key] = lab.credentials
  const { stdout } = await promisify(execFile)(python ?? '', [
    script,
    lab.url,
    key?.accessKeyId ?? '',
    key?.secretAccessKey ?? '',
    'i-00000000000000000',
    role,
  ])
  expect(JSON.parse(stdout)).toEqual({
    who: 'arn:aws:sts::111122223333:assumed-role/judge/judge',
    instances: lab.control.instances().map(({ id }) => id),
    dry: ['DryRunOperation', 412],
    pending: ['ValidationException', 400],
    tagged: [['completed', 1]],
    count: 250,
    ascending: true,
    wrong: ['ValidationException', 400],
    'in use': ['InvalidSnapshot.InUse', 400],
    gone: ['InvalidSnapshot.NotFound', 400],
    'gone too': ['ResourceNotFoundException', 404],
  })
  expect(lab.control.snapshots()).toEqual([])
})
