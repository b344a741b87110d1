import { App, Stack, Validations } from 'aws-cdk-lib'
import { Template } from 'aws-cdk-lib/assertions'
import { AwsSolutionsChecks } from 'cdk-nag'
import { describe, expect, it } from 'vitest'
import { type DeploymentConfig, parseDeployment } from '../../lib/deployment-config.ts'
import { Guestlift } from '../../lib/guestlift.ts'
import { GuestliftStorage } from '../../lib/guestlift-storage.ts'
import { deployments } from './deployments.ts'

const config: DeploymentConfig = {
  name: 'test',
  sites: ['hq'],
  schedules: [{ name: 'nightly', expression: 'rate(1 day)', job: { site: 'hq', guests: { all: true } } }],
}

/** An app of somebody else: none of this project's feature flags are set. */
const someApp = () => new App({ context: { 'aws:cdk:bundling-stacks': [] } })

describe('the constructs in an app of somebody else', () => {
  it('take the bucket of their own stack', () => {
    const stack = new Stack(someApp(), 'Backups')
    const storage = new GuestliftStorage(stack, 'Storage', config)
    new Guestlift(stack, 'Guestlift', { ...config, storage })

    const template = JSON.stringify(Template.fromStack(stack).toJSON())
    const [bucketId] = Object.keys(Template.fromStack(stack).findResources('AWS::S3::Bucket'))
    expect(template).toContain(`"ARCHIVE_BUCKET":{"Ref":"${bucketId}"}`)
    expect(template).not.toContain('Fn::ImportValue')
  })

  it('take the bucket that another stack exports, and are deployed after it', () => {
    const app = someApp()
    const storageStack = new Stack(app, 'Archives')
    const storage = new GuestliftStorage(storageStack, 'Storage', config)
    const stack = new Stack(app, 'Backups')
    new Guestlift(stack, 'Guestlift', { ...config, storage })

    expect(stack.dependencies).toEqual([storageStack])
    const exported = Object.values(Template.fromStack(storageStack).findOutputs('*')).map(({ Export }) => Export)
    expect(exported).toContainEqual({ Name: 'guestlift-test-archive-bucket' })
    expect(JSON.stringify(Template.fromStack(stack).toJSON())).toContain(
      '"ARCHIVE_BUCKET":{"Fn::ImportValue":"guestlift-test-archive-bucket"}',
    )
  })

  it('pass the AWS Solutions rules wherever they stand', () => {
    const app = someApp()
    const stack = new Stack(app, 'Backups')
    const storage = new GuestliftStorage(stack, 'Storage', config)
    new Guestlift(stack, 'Guestlift', { ...config, storage })
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app))
    expect(() => app.synth()).not.toThrow()
  })

  it('give what can be built on', () => {
    const stack = new Stack(someApp(), 'Backups')
    const storage = new GuestliftStorage(stack, 'Storage', config)
    const { exportRun, restoreGuest, failureTopic } = new Guestlift(stack, 'Guestlift', { ...config, storage })
    for (const { stateMachineArn } of [exportRun, restoreGuest])
      expect(stack.resolve(stateMachineArn)).toHaveProperty('Ref')
    expect(stack.resolve(failureTopic.topicArn)).toHaveProperty('Ref')
    expect(stack.resolve(storage.bucket.bucketName)).toHaveProperty('Ref')
  })

  it("go where the stack goes, whatever the deployment's file says", () => {
    const stack = new Stack(someApp(), 'Backups', { env: { account: '123456789012', region: 'eu-central-1' } })
    const elsewhere = { ...config, region: 'us-west-1' }
    const storage = new GuestliftStorage(stack, 'Storage', elsewhere)
    new Guestlift(stack, 'Guestlift', { ...elsewhere, storage })
    // Ireland and Frankfurt have ARM containers, and California has none.
    const [project] = Object.values(Template.fromStack(stack).findResources('AWS::CodeBuild::Project'))
    expect(project?.['Properties']).toMatchObject({ Environment: { Type: 'ARM_CONTAINER' } })
  })

  it('refuse a deployment that is not valid, and say where it stands', () => {
    const stack = new Stack(someApp(), 'Backups')
    const storage = new GuestliftStorage(stack, 'Storage', config)
    expect(() => new Guestlift(stack, 'Guestlift', { ...config, sites: [], storage })).toThrow(
      /^Backups\/Guestlift is not a valid deployment:\n {2}sites: /,
    )
    expect(() => new GuestliftStorage(stack, 'Other', { name: 'Test' })).toThrow(
      /^Backups\/Other is not a valid deployment:\n {2}name: /,
    )
  })

  it('refuse a storage of another deployment, or of another region', () => {
    const app = someApp()
    const env = (region: string) => ({ env: { account: '123456789012', region } })
    const storage = new GuestliftStorage(new Stack(app, 'Archives', env('eu-west-1')), 'Storage', config)
    const stack = new Stack(app, 'Backups', env('eu-central-1'))
    expect(() => new Guestlift(stack, 'One', { ...config, name: 'other', storage })).toThrow(
      'Backups/One is the deployment other, and its storage is of test. Pass the same name to both.',
    )
    expect(() => new Guestlift(stack, 'Two', { ...config, storage })).toThrow(
      'Backups/Two goes to region eu-central-1, and its storage to eu-west-1. Give both stacks the same env.',
    )
  })
})

describe('a deployment that was read', () => {
  it.each(Object.entries(deployments))('says the same when it is read again: %s', (_, written) => {
    const once = parseDeployment(written, 'the test')
    expect(parseDeployment(once, 'the test')).toEqual(once)
  })
})
