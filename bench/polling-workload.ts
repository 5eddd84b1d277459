/** Jobs to be polled: cohorts whose durations are known exactly, so that an oracle can know them. Times in ms. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Durations of a kind of job: the share that ends within so long, and one of them. */
type Distribution = { endedBy(ms: number): number; draw(random: () => number): number };

/** `scaleAt`: what durations are multiplied with for a job registered at that time. */
export type Cohort = { name: string; medianMs: number; durations: Distribution; scaleAt(at: number): number };

export type SimulatedJob = {
  cohort: Cohort;
  registeredAt: number;
  durationMs: number;
  /** When the callback comes; Infinity: it is lost, or there is none. */
  calledBackAt: number;
};

export const ARRIVALS_MS = 12 * HOUR;

const steady = (name: string, medianMs: number, durations: Distribution): Cohort => ({
  name,
  medianMs,
  durations,
  scaleAt: () => 1,
});

/** In equal counts. The first eight are the ones that most targets speak of. */
export const LOGNORMAL: readonly Cohort[] = [30 * SECOND, 3 * MINUTE, 10 * MINUTE, HOUR].flatMap((medianMs) =>
  [0.3, 0.8].map((sigma) => steady(`${shown(medianMs)} σ ${sigma}`, medianMs, lognormal(medianMs, sigma))),
);
export const COHORTS: readonly Cohort[] = [
  ...LOGNORMAL,
  steady('1 or 20 min', MINUTE, either(0.5, lognormal(MINUTE, 0.2), lognormal(20 * MINUTE, 0.2))),
  steady('3 or 60 min', 3 * MINUTE, either(0.8, lognormal(3 * MINUTE, 0.3), lognormal(HOUR, 0.3))),
  {
    name: '10 min, tripling',
    medianMs: 10 * MINUTE,
    durations: lognormal(10 * MINUTE, 0.3),
    scaleAt: (at) => 1 + (2 * at) / ARRIVALS_MS,
  },
  {
    name: '3 min, up and down',
    medianMs: 3 * MINUTE,
    durations: lognormal(3 * MINUTE, 0.3),
    scaleAt: (at) => 2 ** Math.sin((2 * Math.PI * at) / (4 * HOUR)),
  },
];

/** Jobs in the order in which they are registered, as many of each cohort. A callback comes within a second of the end. */
export function jobsOf(
  cohorts: readonly Cohort[],
  { perCohort, callbackLoss, seed }: { perCohort: number; callbackLoss: number; seed: number },
): SimulatedJob[] {
  const random = randomFrom(seed);
  return cohorts
    .flatMap((cohort) =>
      Array.from({ length: perCohort }, () => {
        const registeredAt = random() * ARRIVALS_MS;
        const durationMs = cohort.durations.draw(random) * cohort.scaleAt(registeredAt);
        const lost = random() < callbackLoss;
        const calledBackAt = lost ? Infinity : registeredAt + durationMs + random() * SECOND;
        return { cohort, registeredAt, durationMs, calledBackAt };
      }),
    )
    .sort((a, b) => a.registeredAt - b.registeredAt);
}

function lognormal(medianMs: number, sigma: number): Distribution {
  return {
    endedBy: (ms) => (ms <= 0 ? 0 : normal(Math.log(ms / medianMs) / sigma)),
    draw: (random) => medianMs * Math.exp(sigma * gauss(random)),
  };
}

function either(share: number, one: Distribution, other: Distribution): Distribution {
  return {
    endedBy: (ms) => share * one.endedBy(ms) + (1 - share) * other.endedBy(ms),
    draw: (random) => (random() < share ? one : other).draw(random),
  };
}

function gauss(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

/** The normal distribution, to 1e-7 (Abramowitz and Stegun 7.1.26). */
function normal(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const polynomial = [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429];
  const tail = polynomial.reduceRight((sum, a) => (sum + a) * t, 0) * Math.exp(-x * x);
  return z < 0 ? tail / 2 : 1 - tail / 2;
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shown(ms: number): string {
  return ms < MINUTE ? `${ms / SECOND} s` : `${ms / MINUTE} min`;
}
