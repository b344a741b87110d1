/**
 * Conditions of policy statements (IAM user guide, "Condition operators" and "Single-valued vs. multivalued context keys").
 * An operator or a key that isn't known here is an error when a policy is read: a condition is never taken to hold unread.
 */
import { like, likeArn } from './wildcard.ts'

/** Condition keys of one request, in lower case, with their values. A key that the request doesn't have is absent. */
export type Context = Readonly<Record<string, string | readonly string[] | undefined>>

/** By operator, by key: the values that a policy gives. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>

type Test = (wanted: string, actual: string) => boolean

const equal: Test = (wanted, actual) => wanted === actual
const equalInAnyCase: Test = (wanted, actual) => wanted.toLowerCase() === actual.toLowerCase()
const compare =
  (holds: (actual: number, wanted: number) => boolean): Test =>
  (wanted, actual) =>
    holds(Number(actual), Number(wanted))

/** The tests; ArnEquals and ArnLike are the same. */
const POSITIVE: Readonly<Record<string, Test>> = {
  StringEquals: equal,
  StringEqualsIgnoreCase: equalInAnyCase,
  StringLike: like,
  ArnEquals: likeArn,
  ArnLike: likeArn,
  Bool: equalInAnyCase,
  NumericEquals: compare((actual, wanted) => actual === wanted),
  NumericLessThan: compare((actual, wanted) => actual < wanted),
  NumericLessThanEquals: compare((actual, wanted) => actual <= wanted),
  NumericGreaterThan: compare((actual, wanted) => actual > wanted),
  NumericGreaterThanEquals: compare((actual, wanted) => actual >= wanted),
}

/** What each of these denies. */
const NEGATIVE: Readonly<Record<string, Test>> = {
  StringNotEquals: equal,
  StringNotEqualsIgnoreCase: equalInAnyCase,
  StringNotLike: like,
  ArnNotEquals: likeArn,
  ArnNotLike: likeArn,
  NumericNotEquals: compare((actual, wanted) => actual === wanted),
}

/** Keys that those who ask here set, or leave out as AWS does. */
const KEYS = new Set([
  'aws:principalaccount',
  'aws:principalarn',
  'aws:requestedregion',
  'aws:securetransport',
  'aws:sourceaccount',
  'aws:sourcearn',
  'ec2:createaction',
  'kms:viaservice',
  'lambda:sourcefunctionarn',
  's3:delimiter',
  's3:if-match',
  's3:if-none-match',
  's3:max-keys',
  's3:object-lock-remaining-retention-days',
  's3:objectcreationoperation',
  's3:prefix',
  's3:tlsversion',
  's3:versionid',
  's3:x-amz-acl',
  's3:x-amz-copy-source',
  's3:x-amz-metadata-directive',
  's3:x-amz-server-side-encryption',
  's3:x-amz-server-side-encryption-aws-kms-key-id',
  's3:x-amz-storage-class',
])

/** Of tags that a request brings, or that what it asks for bears: the tag's name is part of the key. */
const TAG_KEY = /^aws:(request|resource)tag\/./

interface Operator {
  quantifier: 'ForAllValues' | 'ForAnyValue' | undefined
  name: string
  ifExists: boolean
}

function operatorOf(text: string): Operator | undefined {
  const [, quantifier, name = '', suffix] = /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(text) ?? []
  const known = name in POSITIVE || name in NEGATIVE || (name === 'Null' && (quantifier ?? suffix) === undefined)
  if (!known) return undefined
  return { quantifier: quantifier as Operator['quantifier'], name, ifExists: suffix !== undefined }
}

/** What keeps these conditions from being judged: an operator, a key or a variable that isn't known here. */
export function unknownCondition(conditions: Conditions): string | undefined {
  for (const [text, tests] of Object.entries(conditions)) {
    if (operatorOf(text) === undefined) return `the condition operator ${text}`
    for (const [key, wanted] of Object.entries(tests)) {
      if (!KEYS.has(key.toLowerCase()) && !TAG_KEY.test(key.toLowerCase())) return `the condition key ${key}`
      const variable = wanted.find((value) => value.includes('${'))
      if (variable !== undefined) return `the policy variable in ${variable}`
    }
  }
  return undefined
}

/** All operators and all keys must hold; of a key's values, one is enough. */
export function conditionsHold(conditions: Conditions, context: Context): boolean {
  return Object.entries(conditions).every(([text, tests]) => {
    const operator = operatorOf(text)
    if (operator === undefined) throw new Error(`The condition operator ${text} is not known here.`)
    return Object.entries(tests).every(([key, wanted]) => holds(operator, wanted, context[key.toLowerCase()]))
  })
}

function holds({ quantifier, name, ifExists }: Operator, wanted: readonly string[], found: Context[string]): boolean {
  const actual = found === undefined ? [] : [found].flat()
  if (name === 'Null') return wanted.some((value) => value.toLowerCase() === String(actual.length === 0))
  if (actual.length === 0 && ifExists) return true
  const positive = POSITIVE[name]
  const test = positive ?? NEGATIVE[name] ?? (() => false)
  const one = (value: string): boolean => wanted.some((each) => test(each, value)) === (positive !== undefined)
  if (quantifier === 'ForAllValues') return actual.every(one)
  if (quantifier === 'ForAnyValue') return actual.some(one)
  // Without a quantifier a negated operator holds for an absent key, any other doesn't.
  return actual.length === 0 ? positive === undefined : actual.every(one)
}
