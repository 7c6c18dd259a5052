/** Bugs to be found: each is what somebody might write who has not thought of one call that goes wrong. */
import { Fault } from '#domain/faults';
import type { EngineJobStatus } from '#domain/engine-job';
import type { EngineJobId } from '#domain/ids';
import type { Engine, Ports } from '#operations/ports';
import type { HubMutation } from './hub-engine.ts';
import type { ScenarioName } from './scenarios.ts';

const withEngine = (change: (engine: Engine) => Engine): HubMutation => ({
  ports: (ports) => ({
    ...ports,
    engines(name) {
      const engine = ports.engines(name);
      return engine && change(engine);
    },
  }),
});

const isUnavailable = (error: unknown): boolean => error instanceof Fault && error.name === 'EngineUnavailable';

/** Repeats a start without asking whether the first has been made. */
const startedBlindly = withEngine((engine) => ({ ...engine, find: () => Promise.resolve(undefined) }));

/** An answer that did not come is taken for a start that was not made. */
const repeatedAtOnce = withEngine((engine) => ({
  ...engine,
  start: (start) =>
    engine.start(start).catch((error: unknown) => {
      if (isUnavailable(error)) return engine.start(start);
      throw error;
    }),
}));

/** Asks at once, though a start may still take effect. */
const fenceIgnored: HubMutation = {
  ports: (ports) => ({
    ...(withEngine((engine) => ({ ...engine, fenceSeconds: 1 })).ports?.(ports) ?? ports),
    policy: { ...ports.policy, starterSeconds: 1 },
  }),
};

/** The engine is asked first, and only then it is written that it was to be asked. */
const intentForgotten: HubMutation = {
  ports: (ports) => ({ ...ports, jobs: { ...ports.jobs, save: withoutIntents(ports.jobs) } }),
};

function withoutIntents(jobs: Ports['jobs']): Ports['jobs']['save'] {
  return (changes, jobCount) =>
    jobs.save(
      changes.map((change) => {
        const { intentAt, engineJobId } = change.after.start;
        return intentAt !== undefined && engineJobId === undefined ? { ...change, after: change.before } : change;
      }),
      jobCount,
    );
}

/** Whoever is not there while nobody answers is taken for lost. */
const silenceTakenForLoss = withEngine((engine) => ({
  ...engine,
  status: (ids) =>
    engine.status(ids).catch((error: unknown) => {
      if (isUnavailable(error)) return new Map<EngineJobId, EngineJobStatus>();
      throw error;
    }),
}));

/** What is to be removed goes first, and then its counts are asked for. */
const removedBeforeCounted: HubMutation = withEngine((engine) => ({
  ...engine,
  async metrics(id) {
    await engine.remove(id);
    return engine.metrics(id);
  },
}));

/** Takes the first instance that a search shows, and does not see that there are two. */
const firstFoundTaken: HubMutation = {
  fetch: (fetch) => (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.searchParams.has('jobTag')) url.searchParams.set('len', '1');
    return fetch(url, init);
  },
};

/** Looks for a second instance right after the start alone. */
const neverLookedAgain: HubMutation = {
  fetch: (fetch) => (input, init) => {
    const url = new URL(input instanceof Request ? input.url : input);
    if (url.searchParams.has('jobStatus')) url.searchParams.set('jobTag', 'of-nobody');
    return fetch(url, init);
  },
};

/** An acknowledgement that failed is taken for done. */
const acknowledgedOnce = withEngine((engine) => ({ ...engine, acknowledge: (id) => engine.acknowledge(id).catch(() => undefined) }));

export interface PlantedBug {
  readonly mutation: HubMutation;
  /** Where it shows. */
  readonly scenario: ScenarioName;
  /** It shows late in the run: the last calls are tried first. */
  readonly showsLate?: true;
}

/** By what they do. */
export const PLANTED_BUGS: Readonly<Record<string, PlantedBug>> = {
  'a start is repeated without looking for the first': { mutation: startedBlindly, scenario: 'cancelled' },
  'a start whose answer was lost is repeated at once': { mutation: repeatedAtOnce, scenario: 'plain' },
  'a start is repeated within its fence': { mutation: fenceIgnored, scenario: 'plain' },
  'a start is made before it is written down': { mutation: intentForgotten, scenario: 'retried' },
  'jobs of which no status came are taken for lost': { mutation: silenceTakenForLoss, scenario: 'plain' },
  'an instance is removed before its counts are read': { mutation: removedBeforeCounted, scenario: 'removed' },
  'the second of two instances is not seen': { mutation: firstFoundTaken, scenario: 'plain' },
  'a second instance that shows late is not looked for': { mutation: neverLookedAgain, scenario: 'cancelled' },
  'an acknowledgement that failed is taken for done': { mutation: acknowledgedOnce, scenario: 'fails', showsLate: true },
};
