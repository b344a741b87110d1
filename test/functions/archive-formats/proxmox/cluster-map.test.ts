import { describe, expect, it } from 'vitest'
import { CLUSTER_BYTES, ClusterMap } from '../../../../functions/archive-formats/proxmox/cluster-map.ts'

/** 4 GiB of a disk: what one page of the map is about. */
const PAGE = 65_536

function mapOf(clusters: number, marked: readonly number[] = []): ClusterMap {
  const map = new ClusterMap({ id: 1, name: 'drive-scsi0', sizeBytes: clusters * CLUSTER_BYTES })
  for (const cluster of marked) map.mark(cluster)
  return map
}

const all = (clusters: number) => Array.from({ length: clusters }, (_, cluster) => cluster)

describe('the clusters of a device', () => {
  it('are new once, wherever on the disk', () => {
    const map = mapOf(3 * PAGE)
    const places = [0, 1, 7, 8, 9, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE - 1]
    expect(places.map((cluster) => map.mark(cluster))).toEqual(places.map(() => true))
    expect(places.map((cluster) => map.mark(cluster))).toEqual(places.map(() => false))
    expect(map.found).toBe(places.length)
  })

  it.each([5, 8, PAGE, PAGE + 3])('are all there when %d of as many were found', (clusters) => {
    const map = mapOf(clusters, all(clusters))
    expect([map.found, map.expected, map.firstMissing()]).toEqual([clusters, clusters, undefined])
  })

  it.each<[number, number[], number]>([
    [5, [], 0],
    [5, [0, 1, 2, 3], 4],
    [5, [0, 2, 3, 4], 1],
    [20, all(8), 8],
    [PAGE + 3, all(PAGE), PAGE],
    [PAGE + 3, all(PAGE + 2), PAGE + 2],
    [3 * PAGE, [...all(PAGE), 2 * PAGE], PAGE],
    [2 * PAGE, all(2 * PAGE).filter((cluster) => cluster !== PAGE + 7), PAGE + 7],
  ])('of %d tell the first that is missing', (clusters, found, missing) => {
    expect(mapOf(clusters, found).firstMissing()).toBe(missing)
  })

  it('have sixteen blocks that may be stored, and the last as many as the disk has there', () => {
    const map = new ClusterMap({ id: 1, name: 'efi', sizeBytes: CLUSTER_BYTES + 36 * 1024 })
    expect([map.expected, map.allowedMask(0), map.allowedMask(1)]).toEqual([2, 0xffff, 0x1ff])
    const least = new ClusterMap({ id: 1, name: 'efi', sizeBytes: 1 })
    expect([least.expected, least.allowedMask(0)]).toEqual([1, 1])
  })
})
