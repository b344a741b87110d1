import { RemovalPolicy } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { Key } from 'aws-cdk-lib/aws-kms'
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns'
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions'
import type { Construct } from 'constructs'
import type { Deployment } from './deployment-config.ts'
import { forThisAccount } from './own-account.ts'

/** Where all notices go: the topic that the deployment names, or one of its own. */
export function noticeTopic(scope: Construct, deployment: Deployment): ITopic {
  // Its owner says who publishes there: docs/company-accounts.md has the words.
  if (deployment.topicArn !== undefined) return Topic.fromTopicArn(scope, 'Topic', deployment.topicArn)
  return ownTopic(scope, deployment)
}

/**
 * The topic of all notices, encrypted. A policy of one's own replaces the one that SNS gives a topic, which let this
 * account's services publish: each sender is named here, or its message is lost without a word.
 */
function ownTopic(scope: Construct, deployment: Deployment): Topic {
  // Its own key: the AWS-managed one of SNS can't be used by EventBridge and CloudWatch.
  const masterKey = new Key(scope, 'Key', {
    description: `Guestlift ${deployment.name}: failure notices`,
    enableKeyRotation: true,
    // Nothing that it encrypts outlives the topic. Kept, each teardown would leave a key that costs a dollar a month.
    removalPolicy: RemovalPolicy.DESTROY,
  })
  const cloudwatch = forThisAccount(scope, 'cloudwatch.amazonaws.com')
  // What SNS does with it for a sender (SNS developer guide, "Key management"). EventBridge gets the same from its targets.
  masterKey.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AlarmsOfThisAccount',
      principals: [cloudwatch],
      actions: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      resources: ['*'],
    }),
  )
  const topic = new Topic(scope, 'Topic', { displayName: `Guestlift ${deployment.name}`, masterKey, enforceSSL: true })
  topic.addToResourcePolicy(
    new PolicyStatement({
      sid: 'AlarmsOfThisAccount',
      principals: [cloudwatch],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
    }),
  )
  // Each rule's target grants EventBridge the same, without a condition: EventBridge sends none of the keys that one could
  // be about, so a condition would never hold and every notice would be lost (user guide, "Amazon SNS permissions").
  for (const address of deployment.notificationEmails) topic.addSubscription(new EmailSubscription(address))
  return topic
}
