import type { ClassPrices, PriceTable, Retrieval } from '../../contracts/prices.ts'

const KIB = 1024
const TIB_IN_GIB = 1024

const immediate = (dollarsPerGiB: number): Retrieval[] => [
  { tier: 'immediate', dollarsPerGiB, dollarsPer1000Requests: 0, takes: 'no time' },
]

/** What most classes have none of. */
const plain = {
  minimumDays: 0,
  minimumObjectBytes: 0,
  overheadBytes: 0,
  overheadStandardBytes: 0,
  dollarsPer1000ObjectMonths: 0,
}

/** Index and metadata that S3 keeps with each object of the Glacier classes (user guide, "Glacier storage classes"). */
const glacierOverhead = { overheadBytes: 32 * KIB, overheadStandardBytes: 8 * KIB }

/** Parts of an upload into a Glacier class are billed as STANDARD's, and only its completion as the class's own. */
const storage: PriceTable['storage'] = {
  STANDARD: {
    ...plain,
    dollarsPerGiBMonth: 0.023,
    dollarsPer1000Puts: 0.005,
    dollarsPer1000Parts: 0.005,
    dollarsPer1000Gets: 0.0004,
    retrieval: immediate(0),
  },
  // What is read at least once a month. What isn't moves to cheaper tiers, and the bill falls.
  INTELLIGENT_TIERING: {
    ...plain,
    dollarsPerGiBMonth: 0.023,
    dollarsPer1000Puts: 0.005,
    dollarsPer1000Parts: 0.005,
    dollarsPer1000Gets: 0.0004,
    dollarsPer1000ObjectMonths: 0.0025,
    retrieval: immediate(0),
  },
  STANDARD_IA: infrequent(0.0125),
  ONEZONE_IA: infrequent(0.01),
  GLACIER_IR: {
    ...plain,
    dollarsPerGiBMonth: 0.004,
    minimumDays: 90,
    minimumObjectBytes: 128 * KIB,
    dollarsPer1000Puts: 0.02,
    dollarsPer1000Parts: 0.02,
    dollarsPer1000Gets: 0.01,
    retrieval: immediate(0.03),
  },
  GLACIER: {
    ...plain,
    ...glacierOverhead,
    dollarsPerGiBMonth: 0.0036,
    minimumDays: 90,
    dollarsPer1000Puts: 0.03,
    dollarsPer1000Parts: 0.005,
    dollarsPer1000Gets: 0.0004,
    retrieval: [
      { tier: 'bulk', dollarsPerGiB: 0, dollarsPer1000Requests: 0, takes: '5 to 12 hours' },
      { tier: 'standard', dollarsPerGiB: 0.01, dollarsPer1000Requests: 0.05, takes: '3 to 5 hours' },
      { tier: 'expedited', dollarsPerGiB: 0.03, dollarsPer1000Requests: 10, takes: '1 to 5 minutes below 250 MB' },
    ],
  },
  DEEP_ARCHIVE: {
    ...plain,
    ...glacierOverhead,
    dollarsPerGiBMonth: 0.00099,
    minimumDays: 180,
    dollarsPer1000Puts: 0.05,
    dollarsPer1000Parts: 0.005,
    dollarsPer1000Gets: 0.0004,
    retrieval: [
      { tier: 'bulk', dollarsPerGiB: 0.0025, dollarsPer1000Requests: 0.025, takes: 'up to 48 hours' },
      { tier: 'standard', dollarsPerGiB: 0.02, dollarsPer1000Requests: 0.1, takes: 'up to 12 hours' },
    ],
  },
}

function infrequent(dollarsPerGiBMonth: number): ClassPrices {
  return {
    ...plain,
    dollarsPerGiBMonth,
    minimumDays: 30,
    minimumObjectBytes: 128 * KIB,
    dollarsPer1000Puts: 0.01,
    dollarsPer1000Parts: 0.01,
    dollarsPer1000Gets: 0.001,
    retrieval: immediate(0.01),
  }
}

/**
 * AWS's list prices in us-east-1 without discounts, free allowances and taxes. Of what has volume tiers, the first,
 * except for transfer out. Other regions differ by up to a half: put your own table in its place.
 */
export const listPrices: PriceTable = {
  version: 1,
  region: 'us-east-1',
  currency: 'USD',
  asOf: '2026-05-01',
  source:
    'AWS list prices as published between 2026-05 and 2026-09 (https://aws.amazon.com/s3/pricing/, /lambda/pricing/, ' +
    '/step-functions/pricing/); EBS direct and snapshots as noted in 2026-11 (https://aws.amazon.com/ebs/pricing/). Sources disagree on a PUT to GLACIER: 0.03 or 0.05 per 1,000',
  storage,
  dollarsPer1000Lists: 0.005,
  lambda: { dollarsPerGiBSecond: 0.000_013_333_4, dollarsPerMillionRequests: 0.2 },
  dollarsPer1000Transitions: 0.025,
  // EBS direct: GetSnapshotBlock, PutSnapshotBlock. Lists of blocks come to a thousandth of it and are left out.
  blocks: {
    blockBytes: 512 * KIB,
    dollarsPer1000Reads: 0.003,
    dollarsPer1000Writes: 0.006,
    dollarsPerGiBMonthOfSnapshots: 0.05,
  },
  transferOut: {
    internet: [
      { upToGiB: 10 * TIB_IN_GIB, dollarsPerGiB: 0.09 },
      { upToGiB: 50 * TIB_IN_GIB, dollarsPerGiB: 0.085 },
      { upToGiB: 150 * TIB_IN_GIB, dollarsPerGiB: 0.07 },
      { dollarsPerGiB: 0.05 },
    ],
    'direct-connect': [{ dollarsPerGiB: 0.02 }],
    'other-region': [{ dollarsPerGiB: 0.02 }],
    'same-region': [{ dollarsPerGiB: 0 }],
  },
}
