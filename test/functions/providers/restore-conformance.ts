/** What every provider with restores must do: `functions/providers/capabilities/restores.ts` as tests. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { restoreFindingSchema } from '../../../functions/contracts/restore.ts'
import { instantSchema } from '../../../functions/contracts/nouns.ts'
import { offered } from '../../../functions/providers/capabilities/offered.ts'
import type { IntendedRestore, RestoreProof, Restores } from '../../../functions/providers/capabilities/restores.ts'
import type { Provider } from '../../../functions/providers/provider.ts'

/** A site with an archive on a storage, that the suite may use up. */
export interface RestoreHarness {
  provider: Provider
  /** To an id that is free. */
  intended: IntendedRestore
  artifactRef: string
  /** An id that is taken. */
  takenId: string
  close(): Promise<void>
}

const TOKEN = '0f1e2d3c4b5a6978'
const MOST_LOOKS = 300

/** Run the suite over one platform. @param open called once; the harness is closed after the last test */
export function describeRestores(name: string, open: () => Promise<RestoreHarness>): void {
  describe(`restores by the provider for ${name}`, () => {
    let harness: RestoreHarness
    let restores: Restores
    beforeAll(async () => {
      harness = await open()
      restores = offered(harness.provider, 'restores')
    })
    afterAll(() => harness.close())
    const since = new Date(Date.now() - 3_600_000)

    async function ended(jobRef: string): Promise<void> {
      for (let looks = 0; (await harness.provider.check(jobRef)).running; looks += 1) {
        if (looks > MOST_LOOKS) throw new Error(`${jobRef} doesn't end`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }

    it('are told in the traits', () => {
      expect(harness.provider.traits.restore).toBe(true)
    })

    it('find nothing against a target that is fit, and an id that is taken', async () => {
      expect(await restores.missingPrivileges(harness.intended)).toEqual([])
      expect((await restores.checkTarget(harness.intended)).findings).toEqual([])
      const taken = { ...harness.intended, target: { ...harness.intended.target, id: harness.takenId } }
      const { findings, present } = await restores.checkTarget(taken)
      expect(findings.map((one) => restoreFindingSchema.parse(one).level)).toContain('refusal')
      expect(present?.id).toBe(harness.takenId)
      await expect(restores.create(taken, harness.artifactRef, TOKEN)).rejects.toMatchObject({ name: 'GuestIdInUse' })
    })

    it('make a guest that compares equal, is found by its archive, and is removed by its proof alone', async () => {
      const { intended, artifactRef } = harness
      expect(await restores.find(intended, artifactRef, since)).toEqual({ ours: [], undecided: [] })
      const { jobRef, startedAt } = await restores.create(intended, artifactRef, TOKEN)
      instantSchema.parse(startedAt)
      await ended(jobRef)
      expect((await restores.ending(jobRef)).ending).toBe('ok')
      expect((await restores.find(intended, artifactRef, since)).ours.map((one) => one.jobRef)).toEqual([jobRef])
      expect((await restores.find(intended, `${artifactRef}x`, since)).ours).toEqual([])

      const { kind } = intended.archive.guest
      const made = await restores.describeMade({ ...intended.target, kind })
      expect(made.guest).toMatchObject({ id: intended.target.id, kind, node: intended.target.node })
      expect(restores.compare(intended.archive.configuration ?? '', made, { kind }).differences).toEqual([])
      await restores.disconnect(made.guest)

      await restores.makeTemplate(made.guest)
      await restores.makeTemplate(made.guest)
      const template = await restores.describeMade({ ...intended.target, kind })
      const how = { kind, disconnected: true, template: true }
      expect(restores.compare(intended.archive.configuration ?? '', template, how).differences).toEqual([])

      const proof: RestoreProof = { jobRef, token: TOKEN, artifactRef }
      const kept = await restores.removeMade(made.guest, { ...proof, token: 'ffffffffffffffff' })
      expect(kept).toMatchObject({ removed: false, reason: expect.stringMatching(/\.$/) as unknown })
      expect(await harness.provider.findGuests([intended.target.id])).toHaveLength(1)
      expect(await restores.removeMade(made.guest, proof)).toEqual({ removed: true })
      expect(await restores.removeMade(made.guest, proof)).toEqual({ removed: true })
      expect(await harness.provider.findGuests([intended.target.id])).toEqual([])
    })
  })
}
