/** A lab, and the vendor's own clients of it. */
import { EBSClient } from '@aws-sdk/client-ebs'
import { EC2Client } from '@aws-sdk/client-ec2'
import { onTestFinished } from 'vitest'
import { type Ec2Lab, type Ec2LabOptions, startEc2Lab } from '../../../../local/labs/ec2/lab.ts'

export interface Key {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

export interface VendorSite {
  lab: Ec2Lab
  key: Key
  ec2: EC2Client
  ebs: EBSClient
  /** Clients of another key or Region. */
  as: (key: Key, region?: string) => { ec2: EC2Client; ebs: EBSClient }
}

/** One try: a retry would hide what the lab answers. */
export async function vendorSite(options: Ec2LabOptions = {}): Promise<VendorSite> {
  const lab = await startEc2Lab(options)
  const made: { destroy(): void }[] = []
  const as = (key: Key, region = lab.regions[0] ?? ''): { ec2: EC2Client; ebs: EBSClient } => {
    const configuration = { endpoint: lab.url, region, credentials: key, maxAttempts: 1 }
    const clients = { ec2: new EC2Client(configuration), ebs: new EBSClient(configuration) }
    made.push(clients.ec2, clients.ebs)
    return clients
  }
  const [key] = lab.credentials
  if (key === undefined) throw new Error('The lab has no access key.')
  onTestFinished(async () => {
    for (const client of made) client.destroy()
    await lab.close()
  })
  return { lab, key, as, ...as(key) }
}

/** How a call ends that AWS refuses. */
export interface Refused {
  name: string
  status: number | undefined
  message: string
  reason?: string
}

export async function refusal(call: Promise<unknown>): Promise<Refused> {
  try {
    await call
  } catch (error) {
    const { name, message, Reason, $metadata } = error as Error & {
      Reason?: string
      $metadata?: { httpStatusCode?: number }
    }
    return { name, status: $metadata?.httpStatusCode, message, ...(Reason === undefined ? {} : { reason: Reason }) }
  }
  throw new Error('The call was answered.')
}
