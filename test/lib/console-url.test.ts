import { App, Stack } from 'aws-cdk-lib'
import { describe, expect, it } from 'vitest'
import { consoleUrl } from '../../lib/console-url.ts'

const context = { '@aws-cdk/core:enablePartitionLiterals': true, '@aws-cdk/core:target-partitions': ['aws', 'aws-cn'] }
const linkIn = (env?: { region: string }) => {
  const stack = new Stack(new App({ context }), 'stack', env && { env })
  return { stack, link: stack.resolve(consoleUrl(stack, 'states/home', '/x')) as unknown }
}

describe('a link into the console', () => {
  it.each([
    ['eu-central-1', 'console.aws.amazon.com'],
    ['cn-north-1', 'console.amazonaws.cn'],
    ['us-gov-west-1', 'console.amazonaws-us-gov.com'],
  ])('leads in %s to %s', (region, host) => {
    expect(linkIn({ region }).link).toBe(`https://${region}.${host}/states/home?region=${region}#/x`)
  })

  it('leads to the host of the partition that is deployed to, where synthesis knows none', () => {
    const { stack, link } = linkIn()
    const china = { 'Fn::If': ['InChina', 'console.amazonaws.cn', 'console.aws.amazon.com'] }
    expect(JSON.stringify(link)).toContain(
      JSON.stringify({ 'Fn::If': ['InGovCloud', 'console.amazonaws-us-gov.com', china] }),
    )
    consoleUrl(stack, 'again', '/y')
    expect(stack.resolve((stack as unknown as { _toCloudFormation(): unknown })._toCloudFormation())).toMatchObject({
      Conditions: {
        InChina: { 'Fn::Equals': [{ Ref: 'AWS::Partition' }, 'aws-cn'] },
        InGovCloud: { 'Fn::Equals': [{ Ref: 'AWS::Partition' }, 'aws-us-gov'] },
      },
    })
  })
})
