/** A CDK app of somebody else that brings Guestlift along as a package. */
import { App, Stack } from 'aws-cdk-lib'
import { Guestlift, GuestliftStorage } from 'guestlift'
import { deployment } from '../deployments/production.ts'

const app = new App()
const env = { account: '123456789012', region: 'eu-central-1' }

// What has to survive everything else stands apart, in a stack that nobody deletes by mistake.
const archives = new Stack(app, 'Archives', { env, terminationProtection: true })
const storage = new GuestliftStorage(archives, 'Storage', deployment)

const backups = new Stack(app, 'Backups', { env })
new Guestlift(backups, 'Guestlift', { ...deployment, storage })
