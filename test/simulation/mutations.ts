/** Bugs to be found: each is what somebody might write who has not thought of one thing. */
import { isSettled } from '#domain/job';
import type { Ports } from '#operations/ports';
import type { Mutation } from './ports.ts';

/** Lets the children go first, and only then writes that their jobs have ended. */
const releasedBeforeSaved: Mutation = {
  ports: (ports) => ({
    ...ports,
    jobs: {
      ...ports.jobs,
      async save(changes, jobCount) {
        for (const { before, after } of changes) {
          const run = isSettled(after) ? await ports.runs.load(before.runId) : undefined;
          const tokens = run ? await ports.jobs.taskTokens(run, [before]) : [];
          for (const { taskToken } of tokens) await ports.orchestrator.release(taskToken);
        }
        return ports.jobs.save(changes, jobCount);
      },
    },
  }),
};

/** Writes jobs whatever has become of them since they were read. */
const versionIgnored: Mutation = {
  table: (table) => ({
    ...table,
    transact: (actions) =>
      table.transact(
        actions.map((action) => {
          if (action.kind !== 'put' || !action.item.sk.startsWith('JOB#') || action.guard?.text !== '#version = :expected') return action;
          return { kind: 'put', item: action.item };
        }),
      ),
  }),
};

const withEngine = (change: (engine: NonNullable<ReturnType<Ports['engines']>>) => ReturnType<Ports['engines']>): Mutation => ({
  ports: (ports) => ({
    ...ports,
    engines(name) {
      const engine = ports.engines(name);
      return engine && change(engine);
    },
  }),
});

/** Repeats a start without asking whether the first has been made. */
const startedBlindly = withEngine((engine) => ({ ...engine, find: () => Promise.resolve(undefined) }));

/** Asks at once, though a start may still take effect. */
const fenceIgnored = withEngine((engine) => ({ ...engine, fenceSeconds: 0 }));

/** Takes whoever was to start a job for dead at once; and starts are slow, so that he is at it. */
const startersForgotten: Mutation = {
  ports: (ports) => ({
    ...ports,
    policy: { ...ports.policy, starterSeconds: 0 },
    engines(name) {
      const engine = ports.engines(name);
      return engine && { ...engine, start: (start) => ports.clock.pause(40_000).then(() => engine.start(start)) };
    },
  }),
};

/** Takes a failure for acknowledged that nobody has told the engine of. */
const neverAcknowledged = withEngine((engine) => ({ ...engine, acknowledge: () => Promise.resolve() }));

/** Removes an engine job once its counts have been read, and only then has them stored. */
const removedTooEarly = withEngine((engine) => ({
  ...engine,
  async metrics(id) {
    const metrics = await engine.metrics(id);
    if (metrics) await engine.remove(id);
    return metrics;
  },
}));

/** Keeps no counts but those of a job's last attempt. */
const recordsLost: Mutation = {
  ports: (ports) => ({
    ...ports,
    jobs: {
      ...ports.jobs,
      save: (changes, jobCount) =>
        ports.jobs.save(
          changes.map((change) => ({ ...change, records: [] })),
          jobCount,
        ),
    },
  }),
};

/** Takes slots as if nobody else had any. */
const slotsUnread: Mutation = {
  ports: (ports) => ({
    ...ports,
    slots: { ...ports.slots, load: async (resource) => ({ ...(await ports.slots.load(resource)), holders: [] }) },
  }),
};

/** Nobody looks after what has been left lying. */
const neverSwept: Mutation = {
  ports: (ports) => ({
    ...ports,
    orchestrator: { ...ports.orchestrator, running: () => Promise.resolve([]) },
    runs: { ...ports.runs, list: () => Promise.resolve({ kind: 'page', page: { items: [] } }) },
  }),
};

/** An interrupted expansion counts as done. */
const conflictTakenForDone: Mutation = {
  ports: (ports) => ({
    ...ports,
    jobs: { ...ports.jobs, create: (jobs, jobCount) => ports.jobs.create(jobs, jobCount).catch(() => undefined) },
  }),
};

/** A job's end is written without what it adds to the counts of its run. */
const countsForgotten: Mutation = {
  table: (table) => ({
    ...table,
    transact: (actions) => table.transact(actions.filter((action) => action.kind !== 'update' || action.key.sk !== 'COUNTS')),
  }),
};

/** Lets everybody go who waits for a job, whichever attempt of its run he is there for; and takes its time, so that he may have come. */
const attemptsMixed: Mutation = {
  ports: (ports) => ({
    ...ports,
    jobs: {
      ...ports.jobs,
      async taskTokens(run, jobs) {
        await ports.clock.pause(20_000);
        return (await ports.jobs.taskTokens(run, jobs)).map((parked) => ({ ...parked, runAttempt: 1 }));
      },
    },
  }),
};

/** By what they do. */
export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  'the children are let go before their jobs are saved': releasedBeforeSaved,
  'the version of a job is ignored': versionIgnored,
  'a start is repeated without looking for the first': startedBlindly,
  'a start is repeated within its fence': fenceIgnored,
  'a start is taken for failed while it may yet be made': startersForgotten,
  'the slots of others are not seen': slotsUnread,
  'nobody sweeps': neverSwept,
  'jobs that could not be made are taken for made': conflictTakenForDone,
  'the children of the next attempt are let go with those of the last': attemptsMixed,
  'the counts of a run are forgotten': countsForgotten,
  'a failure is not acknowledged': neverAcknowledged,
  'an engine job is removed before its counts are stored': removedTooEarly,
  'the counts of an earlier attempt are not recorded': recordsLost,
};
