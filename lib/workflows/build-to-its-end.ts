import { Stack } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import { IntegrationPattern, QueryLanguage } from 'aws-cdk-lib/aws-stepfunctions'
import { CodeBuildStartBuild, type CodeBuildStartBuildJsonataProps } from 'aws-cdk-lib/aws-stepfunctions-tasks'
import type { Construct } from 'constructs'

/**
 * The state that starts a build and waits for its end, with the rights that takes and no more. CDK adds
 * `codebuild:BatchGetReports`, for test reports that our builds don't write.
 */
export class BuildToItsEnd extends CodeBuildStartBuild {
  protected override readonly taskPolicies: PolicyStatement[]

  constructor(scope: Construct, id: string, props: Omit<CodeBuildStartBuildJsonataProps, 'integrationPattern'>) {
    super(scope, id, {
      ...props,
      queryLanguage: QueryLanguage.JSONATA,
      integrationPattern: IntegrationPattern.RUN_JOB,
    })
    const stack = Stack.of(this)
    // Step Functions developer guide, "Call AWS CodeBuild": it hears of the end by a rule of its own.
    this.taskPolicies = [
      new PolicyStatement({
        actions: ['codebuild:StartBuild', 'codebuild:StopBuild', 'codebuild:BatchGetBuilds'],
        resources: [
          stack.formatArn({
            service: 'codebuild',
            resource: 'project',
            resourceName: props.project.projectRef.projectName,
          }),
        ],
      }),
      new PolicyStatement({
        actions: ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
        resources: [
          stack.formatArn({ service: 'events', resource: 'rule/StepFunctionsGetEventForCodeBuildStartBuildRule' }),
        ],
      }),
    ]
  }
}
