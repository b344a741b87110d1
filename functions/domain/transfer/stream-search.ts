/** Looking for the number of streams that moves most, from rates that swing by themselves. Hill climbing; pure. */
import type { MeasuredRate, Pace } from '../../contracts/pace.ts'

/** Doubling goes on while it adds more than this: less isn't told from noise, and each stream costs a function and a connection. */
const GREW = 1.1
/** A trial of more streams has to be better by this, one of fewer may be worse by this: with equal rates fewer are better. */
const MORE_HAS_TO_GAIN = 1.08
const FEWER_MAY_LOSE = 0.97
/** A trial this much better (or worse) than home needs no second round to be believed; rates swing by ±15 %. */
const BEYOND_DOUBT = 1.3
/** Seconds of copying that make a rate trustworthy. */
const TRUSTED_SECONDS = 150
/** Old rounds weigh at most this many seconds in an average: a link that changes slowly is followed within a few rounds. */
const MEMORY_SECONDS = 1800
/** The same number of streams at this share of its old rate, or the old rate at this share of the new: the link has changed. */
const LINK_CHANGED = 0.75
/** Multiples of home to try in turn. */
const TRIALS = [1.5, 0.75, 2, 0.5]
/** In rounds. A trial lasts a fraction of a round at home, so frequent trials cost little, and links do change. */
const LONGEST_TRIAL_INTERVAL = 5

/** A round's total rate with its number of streams, taken into the averages. */
export function learn(pace: Pace, round: MeasuredRate): Pace {
  const prior = pace.measured.find(({ streams }) => streams === round.streams)
  const others = pace.measured.filter(({ streams }) => streams !== round.streams)
  if (prior !== undefined && linkChanged(prior, round)) {
    if (round.streams !== pace.home) return remember(pace, [...others, round])
    // What home lost or won the others did too, most likely; trials soon show where not. A trial's own surprise isn't
    // carried over to home: that would hide just what the trial is to find.
    const ratio = round.bytesPerSecond / prior.bytesPerSecond
    const scaled = others.map((other) => ({ ...other, bytesPerSecond: other.bytesPerSecond * ratio }))
    return remember({ ...pace, trials: 0, nextTrialRound: pace.rounds + 1 }, [...scaled, round])
  }
  const before = prior?.seconds ?? 0
  const all = before + round.seconds
  const bytesPerSecond =
    all === 0
      ? round.bytesPerSecond
      : ((prior?.bytesPerSecond ?? 0) * before + round.bytesPerSecond * round.seconds) / all
  return remember(pace, [...others, { streams: round.streams, bytesPerSecond, seconds: Math.min(all, MEMORY_SECONDS) }])
}

function linkChanged(prior: MeasuredRate, round: MeasuredRate): boolean {
  const ratio = round.bytesPerSecond / prior.bytesPerSecond
  return prior.bytesPerSecond > 0 && prior.seconds >= 60 && (ratio < LINK_CHANGED || ratio > 1 / LINK_CHANGED)
}

function remember(pace: Pace, measured: MeasuredRate[]): Pace {
  const kept = measured.length <= 8 ? measured : dropOldest(measured, pace.home)
  return { ...pace, measured: kept }
}

function dropOldest(measured: MeasuredRate[], home: number | undefined): MeasuredRate[] {
  const oldest = measured.findIndex(({ streams }) => streams !== home)
  return measured.toSpliced(oldest, 1)
}

export function rateOf(pace: Pace, streams: number): MeasuredRate | undefined {
  return pace.measured.find((rate) => rate.streams === streams)
}

/** The most streams that may be tried now. */
export function topStreams(pace: Pace, maxStreams: number): number {
  const { ceiling } = pace
  return ceiling !== undefined && pace.rounds < ceiling.untilRound ? Math.min(ceiling.streams, maxStreams) : maxStreams
}

/** How many streams to run after a round of `ran` streams, whose rate has been learned. */
export function search(pace: Pace, ran: number, maxStreams: number): Pace {
  const top = Math.max(1, topStreams(pace, maxStreams))
  const here = rateOf(pace, ran)
  if (here === undefined) return { ...pace, streams: Math.min(pace.streams, top) }
  if (pace.home === undefined) return climb(pace, here, top)
  return pace.home === here.streams ? stayOrTry(pace, here, top) : judgeTrial(pace, pace.home, here, top)
}

function climb(pace: Pace, here: MeasuredRate, top: number): Pace {
  const lower = pace.measured.filter(({ streams }) => streams < here.streams)
  const grew = lower.every(({ bytesPerSecond }) => here.bytesPerSecond > bytesPerSecond * GREW)
  // Fewer than asked for: others hold the connections, and asking for more gives none.
  const held = here.streams < pace.streams
  if (grew && !held && here.streams < top) return { ...pace, streams: Math.min(here.streams * 2, top) }
  return settle(pace, smallestOfBest(pace, top) ?? here.streams)
}

function smallestOfBest(pace: Pace, top: number): number | undefined {
  const allowed = pace.measured.filter(({ streams }) => streams <= top)
  const best = Math.max(...allowed.map(({ bytesPerSecond }) => bytesPerSecond))
  const good = allowed.filter(({ bytesPerSecond }) => bytesPerSecond >= best * 0.95)
  return good.length === 0 ? undefined : Math.min(...good.map(({ streams }) => streams))
}

export function settle(pace: Pace, home: number): Pace {
  return { ...pace, home, streams: home, trials: 0, nextTrialRound: pace.rounds + 2 }
}

function stayOrTry(pace: Pace, here: MeasuredRate, top: number): Pace {
  const better = pace.measured.filter(
    ({ streams, bytesPerSecond }) => streams <= top && bytesPerSecond > here.bytesPerSecond * GREW,
  )
  if (better.length > 0) return settle(pace, smallestOfBest(pace, top) ?? here.streams)
  if (here.streams > top) return settle(pace, top)
  if (pace.rounds < pace.nextTrialRound) return { ...pace, streams: here.streams }
  return startTrial(pace, here.streams, top)
}

/** The next multiple of home that is another number within bounds; those that aren't are passed over. */
function startTrial(pace: Pace, home: number, top: number): Pace {
  for (let trials = pace.trials; trials < pace.trials + TRIALS.length; trials++) {
    const wanted = home * (TRIALS[trials % TRIALS.length] ?? 1)
    const streams = Math.min(top, Math.max(1, wanted > home ? Math.ceil(wanted) : Math.floor(wanted)))
    if (streams !== home) return { ...pace, streams, trials }
  }
  return { ...pace, streams: home, nextTrialRound: pace.rounds + LONGEST_TRIAL_INTERVAL }
}

function judgeTrial(pace: Pace, home: number, trial: MeasuredRate, top: number): Pace {
  const atHome = rateOf(pace, home)
  if (atHome === undefined) return settle(pace, trial.streams)
  const gain = trial.bytesPerSecond / Math.max(1, atHome.bytesPerSecond)
  const good = trial.streams > home ? gain > MORE_HAS_TO_GAIN : gain >= FEWER_MAY_LOSE
  if (!good || trial.streams > top) return endTrial(pace, home)
  if (trial.seconds < TRUSTED_SECONDS && gain < BEYOND_DOUBT) return { ...pace, streams: trial.streams }
  // The same direction again at once: a link that has changed a lot is followed without a round at each step.
  return startTrial({ ...settle(pace, trial.streams), trials: trial.streams > home ? 0 : 1 }, trial.streams, top)
}

/** Back home; trials get rarer as they go on showing nothing, for each costs a little. */
export function endTrial(pace: Pace, home: number): Pace {
  const trials = pace.trials + 1
  const interval = trials < 2 ? 2 : Math.min(LONGEST_TRIAL_INTERVAL, 2 + trials)
  return { ...pace, home, streams: home, trials, nextTrialRound: pace.rounds + interval }
}
