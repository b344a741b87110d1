/** Archives that the bucket moves to colder classes: the rule, who knows of it, and what is refused. */
import { describe, expect, it } from 'vitest'
import { parseDeployment } from '../../lib/deployment-config.ts'
import { deployments } from './deployments.ts'
import { synthesise } from './synthesise.ts'

const { transitions } = deployments.movedToColderClasses.bucket

describe('a bucket that moves archives to colder classes', () => {
  it('has one rule for them, for large files alone, beside the rules that it had', async () => {
    const { storage } = await synthesise('movedToColderClasses')
    const [bucket] = Object.values(storage.findResources('AWS::S3::Bucket'))
    const rules: Record<string, unknown>[] = bucket?.['Properties'].LifecycleConfiguration.Rules
    expect(rules.filter(({ Transitions }) => Transitions !== undefined)).toEqual([
      {
        Id: 'colder-archives',
        Status: 'Enabled',
        Prefix: 'vm/archives/',
        ObjectSizeGreaterThan: String(16 * 2 ** 20 - 1),
        Transitions: [
          { StorageClass: 'STANDARD_IA', TransitionInDays: 40 },
          { StorageClass: 'GLACIER', TransitionInDays: 200 },
        ],
      },
    ])
    expect(rules.map(({ Id }) => Id)).toContain('abandoned-uploads')
  })

  it('is known to whoever prices a removal, and to nobody else', async () => {
    const { functions } = (await synthesise('movedToColderClasses')).assembly
    const told = Object.values(functions).filter(({ environment }) => environment['TRANSITIONS'] !== undefined)
    expect(told.map(({ stem }) => stem).toSorted()).toEqual(['apply-retention', 'prune-archives'])
    for (const { environment } of told) expect(JSON.parse(environment['TRANSITIONS'] ?? '')).toEqual(transitions)
  })
})

describe('moves that S3 or verification forbids', () => {
  const refusedWith = (moves: object[], further: object = {}) => {
    try {
      parseDeployment({ name: 'example', sites: ['hq'], bucket: { transitions: moves }, ...further }, 'the test')
      return 'accepted'
    } catch (error) {
      return String(error)
    }
  }

  it.each<[object[], string]>([
    [[{ storageClass: 'STANDARD_IA', afterDays: 29 }], 'S3 moves nothing to STANDARD_IA before 30 days'],
    [
      [
        { storageClass: 'GLACIER', afterDays: 200 },
        { storageClass: 'GLACIER_IR', afterDays: 300 },
      ],
      'S3 moves objects to colder classes only, and GLACIER_IR is none after GLACIER',
    ],
    [
      [
        { storageClass: 'STANDARD_IA', afterDays: 190 },
        { storageClass: 'GLACIER', afterDays: 200 },
      ],
      'this comes 220 days after the archive was written, or later: STANDARD_IA is before it',
    ],
    [
      [
        { storageClass: 'GLACIER', afterDays: 200 },
        { storageClass: 'DEEP_ARCHIVE', afterDays: 200 },
      ],
      'this comes 201 days after the archive was written, or later: GLACIER is before it',
    ],
    [[{ storageClass: 'STANDARD', afterDays: 30 }], 'storageClass'],
    [
      [{ storageClass: 'GLACIER', afterDays: 30 }],
      'archives are read back within 90 days (verification.archiveWithinDays), and not from GLACIER: write more days here, or fewer there',
    ],
  ])('are refused in a sentence: %#', (moves, sentence) => {
    expect(refusedWith(moves)).toContain(sentence)
  })

  it('are taken where archives are not read back, or from classes that can be read', () => {
    const glacier = [{ storageClass: 'GLACIER', afterDays: 1 }]
    expect(refusedWith(glacier, { verification: { enabled: false } })).toBe('accepted')
    expect(refusedWith(glacier, { verification: { archiveWithinDays: 1 } })).toContain('read back within 1 days')
    expect(refusedWith([{ storageClass: 'GLACIER_IR', afterDays: 1 }])).toBe('accepted')
  })
})
