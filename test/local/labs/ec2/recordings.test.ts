import { XMLParser } from 'fast-xml-parser'
import { expect, it, onTestFinished } from 'vitest'
import { startEc2Lab } from '../../../../local/labs/ec2/lab.ts'
import { type Recorded, recordings } from './recordings.ts'
import { type RawAnswer, signedRequest } from './signed.ts'

/** Where AWS answers otherwise than moto 5.2.1, and the lab with AWS: the status, and the code of an error. */
const BETTER: Record<string, [number, string?]> = {
  'create-snapshots-exclude.json': [400, 'InvalidParameterValue'],
  'create-image-duplicate-name.json': [400, 'InvalidAMIName.Duplicate'],
  'create-image-snapshot-tags.json': [200],
  'list-snapshot-blocks-ec2-snapshot.json': [200],
  'start-snapshot.json': [201],
  'put-snapshot-block-wrong-sum.json': [400, 'ValidationException'],
  'get-snapshot-block-bad-token.json': [400, 'ValidationException'],
  'get-snapshot-block-unknown.json': [404, 'ResourceNotFoundException'],
  'delete-snapshot-in-use.json': [400, 'InvalidSnapshot.InUse'],
}

/** Images as objects in S3 are no business of Guestlift: the lab doesn't double their calls. */
const UNKNOWN = [
  'create-store-image-task.json',
  'describe-store-image-tasks.json',
  'create-restore-image-task.json',
  'export-image.json',
  'describe-export-image-tasks.json',
  'cancel-export-task.json',
]

const INSTANCE = 'i-0c41de068d3795bd6'
const KEY = 'arn:aws:kms:eu-central-1:123456789012:key/6fc87ed9-6606-421f-a8cd-89362bfe6b58'

const parser = new XMLParser({ isArray: (name) => name === 'item', parseTagValue: false })

/** Leaves of an answer by their path, places in lists included. */
function leaves(value: unknown, path = ''): Map<string, string> {
  if (typeof value !== 'object' || value === null) return new Map([[path, String(value)]])
  return new Map(
    Object.entries(value)
      .filter(([name]) => name !== '@_xmlns' && name !== '?xml')
      .flatMap(([name, of]) => [...leaves(of, path === '' ? name : `${path}.${name}`)]),
  )
}

const answerOf = (body: string): Map<string, string> => {
  if (body.startsWith('<?xml')) return leaves(parser.parse(body))
  return body.startsWith('{') ? leaves(JSON.parse(body)) : new Map()
}

/** Names and instants that each server makes for itself. */
const OWN =
  /requestId|RequestID|Time$|Date$|ExpiryTime|NextToken|reservationId|imageId$|networkInterface|[iI]pAddress|[dD]nsName|subnetId|vpcId|clientToken|attachTime|group|macAddress|metadataOptions|stateReason|association|hibernation|sourceDestCheck/

/** Where moto's values aren't those of AWS; facts and index of the recordings say so. */
const WRONG: Record<string, RegExp> = {
  'describe-images.json': /blockDeviceMapping|rootDeviceType|bootMode|platform|description|rootDeviceName|creationDate/,
  'list-snapshot-blocks.json': /BlockSize|BlockIndex|Blocks/,
  'list-snapshot-blocks-start.json': /BlockSize|Blocks/,
  'list-changed-blocks.json': /BlockSize|ChangedBlocks/,
  'start-snapshot.json': /BlockSize/,
  'describe-snapshot-from-direct.json': /volumeId/,
  'deregister-image-again.json': /Message/,
  'create-volume.json': /status/,
}

const found = recordings()

function bytesOf({ request }: Recorded): { form?: Record<string, string>; body?: string | Uint8Array } {
  if (request.form !== undefined) return { form: request.form }
  if (request.json !== undefined) return { body: JSON.stringify(request.json) }
  const [, count, start = ''] = /^<(\d+) bytes, starts ([0-9a-f]{2})/.exec(request.body ?? '') ?? []
  return count === undefined ? {} : { body: new Uint8Array(Number(count)).fill(Number.parseInt(start, 16)) }
}

it.skipIf(found.length === 0)(
  `answers each of ${found.length} recorded requests as moto did, or better${found.length === 0 ? ' (skipped: no recordings)' : ''}`,
  async () => {
    const lab = await startEc2Lab({
      account: '123456789012',
      settings: { snapshotAsks: 0, imageAsks: 0 },
      instances: [
        {
          id: INSTANCE,
          name: 'web1',
          tags: { Backup: 'daily' },
          platform: 'windows',
          imageId: 'ami-03cf127a',
          rootDeviceName: '/dev/sda1',
          sriovNetSupport: 'simple',
          bootMode: 'uefi',
          volumes: [
            { id: 'vol-abb383d805e89ff66', device: '/dev/xvda', sizeGiB: 8, deleteOnTermination: false },
            {
              id: 'vol-916705f61591d6eb7',
              device: '/dev/xvdb',
              sizeGiB: 20,
              kmsKeyId: KEY,
              deleteOnTermination: false,
            },
          ],
        },
      ],
    })
    onTestFinished(() => lab.close())
    const [key = { accessKeyId: '', secretAccessKey: '' }] = lab.credentials
    // Names that moto gave, and what the lab calls the same things.
    const names = new Map<string, string>()
    const ours = (text: string): string => [...names].reduce((so, [theirs, mine]) => so.replaceAll(theirs, mine), text)
    const send = ({ request }: Recorded, more: ReturnType<typeof bytesOf>): Promise<RawAnswer> => {
      const headers = Object.fromEntries(
        Object.entries(request.headers).filter(
          ([name]) => /^x-amz-|^content-type/.test(name) && !/x-amz-(date|content|user)/.test(name),
        ),
      )
      const query = Object.fromEntries(Object.entries(request.query).map(([name, value]) => [name, ours(value)]))
      const form =
        more.form && Object.fromEntries(Object.entries(more.form).map(([name, value]) => [name, ours(value)]))
      return signedRequest(lab.url, key, {
        service: request.path === '/' ? 'ec2' : 'ebs',
        method: request.method,
        path: ours(request.path),
        query,
        headers,
        ...more,
        ...(form === undefined ? {} : { form }),
      })
    }
    /** A second snapshot, which the recordings mention and don't make. */
    const child = async (): Promise<void> => {
      const ebs = (more: Omit<Parameters<typeof signedRequest>[2], 'service'>): Promise<RawAnswer> =>
        signedRequest(lab.url, key, { service: 'ebs', ...more })
      const parent = names.get('snap-f83a7fe3833299664') ?? ''
      const start = await ebs({ path: '/snapshots', body: JSON.stringify({ VolumeSize: 1, ParentSnapshotId: parent }) })
      const { SnapshotId: id = '' } = JSON.parse(start.text) as { SnapshotId?: string }
      names.set('snap-36f8c29117bb6dd5c', id)
      const block = Buffer.alloc(524_288, 9)
      const sum = Buffer.from(await crypto.subtle.digest('SHA-256', block)).toString('base64')
      const headers = {
        'x-amz-data-length': '524288',
        'x-amz-checksum': sum,
        'x-amz-checksum-algorithm': 'SHA256',
      }
      expect(await ebs({ method: 'PUT', path: `/snapshots/${id}/blocks/5`, body: block, headers })).toMatchObject({
        status: 201,
      })
      const done = { 'x-amz-changedblockscount': '1' }
      expect((await ebs({ path: `/snapshots/completion/${id}`, headers: done })).status).toBe(202)
    }

    const differences: string[] = []
    let compared = 0
    for (const { file, exchanges } of found) {
      if (file === 'list-changed-blocks.json') await child()
      for (const recorded of exchanges) {
        // It was stopped in the meantime, which somebody has to look at.
        if (recorded.request.form?.['Action'] === 'StartInstances') {
          const look = { Action: 'DescribeInstances', Version: '2016-11-15' }
          await signedRequest(lab.url, key, { service: 'ec2', form: look })
        }
        const answer = await send(recorded, bytesOf(recorded))
        const [status, code] = UNKNOWN.includes(file)
          ? ([400, 'InvalidAction'] as const)
          : (BETTER[file] ?? [recorded.response.status])
        if (answer.status !== status) differences.push(`${file}: ${answer.status} ${answer.text}`)
        const mine = answerOf(answer.text)
        const error = mine.get('Response.Errors.Error.Code') ?? answer.headers.get('x-amzn-errortype') ?? undefined
        if (code !== undefined && error !== code) differences.push(`${file}: ${error ?? ''}, not ${code}`)
        if (answer.status !== recorded.response.status && answer.status !== 201) continue
        for (const [path, value] of answerOf(recorded.response.body)) {
          const [, idOf] = /(snapshotId|SnapshotId|volumeId|imageId|BlockToken)$/.exec(path) ?? []
          const own = mine.get(path)
          if (idOf !== undefined && own !== undefined && !names.has(value)) {
            if (own !== value && file !== 'describe-images.json') names.set(value, own)
          } else if (OWN.test(path) || WRONG[file]?.test(path) === true || value === '') continue
          else {
            compared += 1
            if (own !== ours(value)) differences.push(`${file}: ${path} is ${own ?? 'missing'}, not ${value}`)
          }
        }
      }
    }
    expect(differences).toEqual([])
    expect(compared).toBeGreaterThan(200)
  },
)
