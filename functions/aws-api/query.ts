/**
 * The query protocol, which EC2 and STS speak: a form as question, XML as answer (AWS: "Making requests using the query
 * API"). The SDK's client of EC2 is 1.4 MB and takes 0.4 s to load, for the dozen calls in use.
 */
import { parseXML } from '@aws-sdk/xml-builder'
import type { AccessKey, AwsAccess } from '../contracts/aws-access.ts'
import { type Answer, type AwsCalls, NoAnswer } from './aws-call.ts'
import { endpointOf } from './endpoints.ts'

/** Plain values and lists as the form has them: `{ Filter: [{ Name: 'x', Value: ['a'] }] }`. */
export type QueryValue = string | number | boolean | QueryInput | readonly QueryValue[]
export interface QueryInput {
  readonly [name: string]: QueryValue | undefined
}

const versions = { ec2: '2016-11-15', sts: '2011-06-15' } as const

/** The service's own refusal. */
export class AwsRefusal extends Error {
  override readonly name = 'AwsRefusal'
  readonly status: number
  /** As `UnauthorizedOperation`; empty where something answered that isn't AWS. */
  readonly code: string

  constructor(status: number, code: string, message: string) {
    super(message)
    this.status = status
    this.code = code
  }

  /** Code and message, for the middle of a sentence. */
  get said(): string {
    const { code, message, status } = this
    return `${code === '' ? `HTTP ${status}` : code}${message === '' ? '' : `: ${message.replace(/\.$/, '')}`}`
  }
}

export interface QueryCall {
  service: 'ec2' | 'sts'
  region: string
  action: string
  input: QueryInput
}

/**
 * Ask once.
 * @returns the content of `<ActionResponse>`: elements by name, texts as strings; several of one name are a list, one is none
 * @throws AwsRefusal, NoAnswer
 */
export async function query(
  { service, region, action, input }: QueryCall,
  { calls, access, key }: { calls: AwsCalls; access: AwsAccess; key: AccessKey },
): Promise<{ content: unknown; answer: Answer }> {
  const form = new URLSearchParams({ Action: action, Version: versions[service] })
  addTo(form, '', input)
  const answer = await calls.send(
    {
      service,
      region,
      method: 'POST',
      url: endpointOf(service, region, access),
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' },
      body: form.toString(),
    },
    key,
  )
  const document = parsed(answer.body.toString('utf8'))
  const content = document[`${action}Response`]
  if (answer.status === 200 && content !== undefined) return { content, answer }
  throw refusalIn(document, answer)
}

/** `Filter.1.Name=x&Filter.1.Value.1=a` (EC2: "Query requests"). */
function addTo(form: URLSearchParams, name: string, value: QueryValue | undefined): void {
  if (value === undefined) return
  if (typeof value !== 'object') {
    form.append(name, String(value))
    return
  }
  const entries = Array.isArray(value)
    ? value.map((one: QueryValue, index): [string, QueryValue] => [String(index + 1), one])
    : Object.entries(value as QueryInput)
  for (const [key, one] of entries) addTo(form, name === '' ? key : `${name}.${key}`, one)
}

function parsed(text: string): Record<string, unknown> {
  try {
    const document: unknown = parseXML(text)
    return typeof document === 'object' && document !== null ? { ...document } : {}
  } catch {
    return {}
  }
}

interface ErrorElement {
  Code?: unknown
  Message?: unknown
}

/** EC2: `<Response><Errors><Error>`, STS: `<ErrorResponse><Error>`. A web page is neither. */
function refusalIn(document: Record<string, unknown>, { status, headers }: Answer): Error {
  const { Response, ErrorResponse } = document as {
    Response?: { Errors?: { Error?: ErrorElement } }
    ErrorResponse?: { Error?: ErrorElement }
  }
  const error = Response?.Errors?.Error ?? ErrorResponse?.Error
  if (typeof error?.Code === 'string') {
    return new AwsRefusal(status, error.Code, typeof error.Message === 'string' ? error.Message : '')
  }
  if (status >= 500) return new NoAnswer(`HTTP ${status}`)
  const type = headers['content-type'] ?? 'no content type'
  return new AwsRefusal(status, '', `HTTP ${status} (${type}), which is no answer of AWS`)
}
