import { type Ec2Site, ec2SiteSchema } from '../../../../functions/providers/ec2/config.ts'
import { openEc2 } from '../../../../functions/providers/ec2/provider.ts'
import type { Provider } from '../../../../functions/providers/provider.ts'
import { type Ec2Lab, type Ec2LabOptions, startEc2Lab } from '../../../../local/labs/ec2/lab.ts'

export const WEB = 'i-0123456789abcdef0'

export interface Ec2Bed {
  lab: Ec2Lab
  /** As a person writes it. */
  site: object
  provider: Provider
  /** Opens another provider of the same account. */
  open(more?: object, home?: string): Provider
  /** What was waited for, in milliseconds. */
  waits: number[]
  logged: { event: string; fields: Record<string, unknown> }[]
  close(): Promise<void>
}

/** An account with one instance of two volumes, and a provider whose pauses take no time. */
export async function ec2Bed(options: Ec2LabOptions = {}): Promise<Ec2Bed> {
  const lab = await startEc2Lab({
    instances: [
      {
        id: WEB,
        name: 'web',
        tags: { env: 'prod', Owner: 'ann' },
        zone: 'eu-central-1b',
        volumes: [
          { device: '/dev/xvda', sizeGiB: 8 },
          { device: '/dev/sdf', sizeGiB: 2 },
        ],
      },
    ],
    ...options,
  })
  const [key] = lab.credentials
  const site = {
    provider: 'ec2',
    regions: lab.regions,
    auth: key,
    endpoints: { ec2: lab.url, ebs: lab.url, sts: lab.url },
  }
  const [waits, logged]: [number[], Ec2Bed['logged']] = [[], []]
  const providers: Provider[] = []
  const open = (more: object = {}, home?: string): Provider => {
    const parsed: Ec2Site = ec2SiteSchema.parse({ ...site, ...more })
    const provider = openEc2('aws', parsed, {
      now: () => new Date(),
      sleep: async (milliseconds) => void waits.push(milliseconds),
      log: (event, fields) => void logged.push({ event, fields }),
      ...(home === undefined ? {} : { home }),
    })
    providers.push(provider)
    return provider
  }
  return {
    lab,
    site,
    provider: open(),
    open,
    waits,
    logged,
    close: async () => {
      await Promise.all(providers.map((provider) => provider.close()))
      await lab.close()
    },
  }
}
