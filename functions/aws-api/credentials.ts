/** Whose name calls are made in: keys of the site, those of this function or person, or a role that they assume. */
import { defaultProvider } from '@aws-sdk/credential-provider-node'
import * as z from 'zod'
import type { AccessKey, AwsAccess } from '../contracts/aws-access.ts'
import { CredentialsRejected, PlatformUnavailable, PrivilegeMissing } from '../contracts/errors.ts'
import { type AwsCalls, NoAnswer } from './aws-call.ts'
import { AwsRefusal, query } from './query.ts'

/** Keys that end within this time are got anew: a call may take its time. */
const SPARE_MILLISECONDS = 5 * 60_000
/** What a role lets anyone have without asking for more (STS: `DurationSeconds`). */
const SESSION_SECONDS = 3600

const assumedSchema = z.object({
  AssumeRoleResult: z.object({
    Credentials: z.object({
      AccessKeyId: z.string(),
      SecretAccessKey: z.string(),
      SessionToken: z.string(),
      Expiration: z.string(),
    }),
  }),
})

interface Held {
  key: AccessKey
  /** In milliseconds since 1970; `undefined`: never. */
  endsAt: number | undefined
}

/** One site's keys, got when they are first needed and again before they end. */
export class AwsCredentials {
  readonly #site: string
  readonly #access: AwsAccess
  readonly #calls: AwsCalls
  readonly #now: () => Date
  #held: Promise<Held> | undefined

  constructor(site: string, access: AwsAccess, { calls, now }: { calls: AwsCalls; now: () => Date }) {
    this.#site = site
    this.#access = access
    this.#calls = calls
    this.#now = now
  }

  /** @throws CredentialsRejected, PrivilegeMissing and PlatformUnavailable of the role, NoAnswer of STS */
  async key(): Promise<AccessKey> {
    const held = await this.#held?.catch(() => undefined)
    if (held !== undefined && (held.endsAt ?? Infinity) - this.#now().getTime() >= SPARE_MILLISECONDS) return held.key
    const anew = this.#get()
    this.#held = anew
    return (await anew).key
  }

  /** The service says that they have ended. */
  forget(): void {
    this.#held = undefined
  }

  async #get(): Promise<Held> {
    const { auth } = this.#access
    const own = await this.#own()
    return auth?.roleArn === undefined ? own : this.#assume(auth.roleArn, auth.externalId, own.key)
  }

  async #own(): Promise<Held> {
    const { accessKeyId, secretAccessKey, sessionToken } = this.#access.auth ?? {}
    if (accessKeyId !== undefined && secretAccessKey !== undefined) {
      const token = sessionToken === undefined ? {} : { sessionToken }
      return { key: { accessKeyId, secretAccessKey, ...token }, endsAt: undefined }
    }
    try {
      const found = await defaultProvider()()
      const token = found.sessionToken === undefined ? {} : { sessionToken: found.sessionToken }
      const key = { accessKeyId: found.accessKeyId, secretAccessKey: found.secretAccessKey, ...token }
      return { key, endsAt: found.expiration?.getTime() }
    } catch (error) {
      throw new CredentialsRejected(
        `Site ${this.#site}: there are no AWS credentials here. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or ` +
          'AWS_PROFILE, or give the site an `auth`.',
        { cause: error },
      )
    }
  }

  async #assume(roleArn: string, externalId: string | undefined, key: AccessKey): Promise<Held> {
    const [region = ''] = this.#access.regions
    const input = {
      RoleArn: roleArn,
      RoleSessionName: `guestlift-${this.#site}`.slice(0, 64),
      DurationSeconds: SESSION_SECONDS,
      ...(externalId === undefined ? {} : { ExternalId: externalId }),
    }
    const surroundings = { calls: this.#calls, access: this.#access, key }
    const call = { service: 'sts' as const, region, action: 'AssumeRole', input }
    const { content } = await query(call, surroundings).catch((error: unknown) => {
      throw error instanceof AwsRefusal ? this.#unassumed(roleArn, error) : error
    })
    const read = assumedSchema.safeParse(content)
    // Nothing of the answer is quoted: it may hold a secret.
    if (!read.success) throw new NoAnswer('the answer to AssumeRole holds no credentials')
    const { Credentials: its } = read.data.AssumeRoleResult
    return {
      key: { accessKeyId: its.AccessKeyId, secretAccessKey: its.SecretAccessKey, sessionToken: its.SessionToken },
      endsAt: Date.parse(its.Expiration),
    }
  }

  /** What was asked for with the role's keys has not been asked yet: it is the role that is refused, by whatever call. */
  #unassumed(roleArn: string, refusal: AwsRefusal): Error {
    const at = `Site ${this.#site}: role ${roleArn} can't be assumed (${refusal.said}).`
    const options = { cause: refusal }
    if (refusal.code.includes('Throttl')) return new PlatformUnavailable(`${at} Later again.`, options)
    if (refusal.code.startsWith('AccessDenied')) {
      return new PrivilegeMissing(
        `${at} Its trust policy has to name who asks, with the external id that the site gives, and whoever asks needs ` +
          'the right to sts:AssumeRole on it.',
        options,
      )
    }
    return new CredentialsRejected(`${at} Check the keys that it is assumed with, and the clock here.`, options)
  }
}
