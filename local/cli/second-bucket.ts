/** The second bucket of `copies` and `show`. */
import { type Command, Option } from 'commander'
import { UsageError } from '../run/cli-error.ts'
import { type BucketOptions, type OpenBucket, openBucket } from './bucket-store.ts'

export interface SecondOptions {
  second?: string
  secondS3?: string
  secondRegion?: string
}

export function addSecondOptions(command: Command, { needed = false, condition = '' } = {}): Command {
  const said = condition === '' ? '' : `${condition}: `
  const second = new Option('--second <name>', `${said}the bucket that is to hold the same keys`)
  return command
    .addOption(needed ? second.makeOptionMandatory() : second)
    .option('--second-s3 <url>', 'with --second: its endpoint, when it is not AWS')
    .option('--second-region <region>', "with --second: its region, when it isn't the first bucket's")
}

/** @throws UsageError when it is the first one */
export function openSecond(
  { second, secondS3, secondRegion }: SecondOptions,
  first: Pick<BucketOptions, 'bucket' | 's3'>,
): OpenBucket | undefined {
  if (second === undefined) return undefined
  if (second === first.bucket && secondS3 === first.s3) {
    throw new UsageError('--second names the first bucket: what is stored once is no second copy.')
  }
  const where = { bucket: second, ...(secondS3 === undefined ? {} : { s3: secondS3 }) }
  return openBucket(where, secondRegion === undefined ? {} : { region: secondRegion })
}
