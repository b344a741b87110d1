import type { Construct } from 'constructs'
import { describe, expect, it } from 'vitest'
import * as constructs from '../../lib/index.ts'
import type * as Public from '../../lib/public-types.ts'

/** A storage is one of the sources' own here. */
type Props = Public.GuestliftProps & { storage: constructs.GuestliftStorage }

/** The compiler compares them with the constructs. */
interface AsPublished {
  DeploymentConfigError: typeof Public.DeploymentConfigError
  Guestlift: new (scope: Construct, id: string, props: Props) => Public.Guestlift
  GuestliftStorage: typeof Public.GuestliftStorage
}

describe('what other CDK apps import', () => {
  it('is what the public types say', () => {
    const published: AsPublished = constructs
    expect(Object.keys(published).toSorted()).toEqual(['DeploymentConfigError', 'Guestlift', 'GuestliftStorage'])
  })
})
