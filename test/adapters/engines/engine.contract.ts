/** What every engine promises to those who follow jobs on it. Each engine's test calls `engineContract` in one line. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { EngineJobStatus, EngineMetrics, EngineStart } from '#domain/engine-job';
import { engineJobId, engineJobName, runId } from '#domain/ids';
import type { EngineJobId, EngineJobName, RunId } from '#domain/ids';
import type { Engine } from '#operations/ports';

export interface Job {
  readonly definition: EngineStart['definition'];
  readonly parameters: EngineStart['parameters'];
}

export interface ListenableEngine extends Engine {
  onChange(listener: (change: { readonly engineJobId: EngineJobId; readonly runId: RunId }) => void): () => void;
}

/** Why an engine cannot promise what others do; whoever uses it does without. */
export interface Shortcomings {
  /** Of the listener that is told of ends. */
  readonly tellsNobody?: string;
  /** Of a name that starts one job, however often it is started. */
  readonly startsAgain?: string;
}

export interface EngineHarness {
  readonly engine: Engine & Partial<Pick<ListenableEngine, 'onChange'>>;
  readonly shortcomings?: Shortcomings;
  /** A job that ends well with the records of `endsWellCounts`. */
  readonly endsWell: Job;
  readonly endsWellCounts: { readonly inputRecordCount: number; readonly outputRecordCount: number; readonly errorRecordCount: number };
  /** A job that fails, and a part of the engine's own words about it. */
  readonly fails: Job;
  readonly failureMessage: string;
  /** A job that runs until it is stopped. */
  readonly endless: Job;
  /** Lets time pass where time is driven. */
  elapse(): void;
  /** Ends the engine and answers the next one on what it left behind; the harness before is not used any more. */
  restart(): Promise<EngineHarness> | EngineHarness;
  close(): Promise<void> | void;
}

const RUN = runId('01K00000000000000000000000');

export function engineContract(makeHarness: () => Promise<EngineHarness> | EngineHarness): void {
  describe('the engine port', () => {
    let harness: EngineHarness;
    let started = 0;
    beforeAll(async () => {
      harness = await makeHarness();
    });
    afterAll(() => harness.close());

    const nextName = (): EngineJobName => engineJobName({ runId: RUN, index: (started += 1) }, 1);
    const start = async (job: Job, name = nextName()): Promise<EngineJobId> => {
      const outcome = await harness.engine.start({ engineJobName: name, runId: RUN, ...job });
      if (outcome.kind !== 'started') throw new Error(outcome.message);
      return outcome.engineJobId;
    };
    const end = (id: EngineJobId): Promise<EngineJobStatus | undefined> => whenEnded(harness, id);
    const statusOf = async (id: EngineJobId): Promise<EngineJobStatus | undefined> => (await harness.engine.status([id])).get(id);

    test('a definition that it can run has no problems', async () => {
      expect(await harness.engine.check(harness.endsWell.definition)).toEqual([]);
    });

    test('what an engine cannot promise is said, with a reason', () => {
      const { engine, shortcomings = {} } = harness;
      expect(shortcomings.tellsNobody === undefined).toBe(engine.onChange !== undefined);
      expect(shortcomings.startsAgain === undefined).toBe(engine.fenceSeconds === 0);
    });

    test('a started job is found by its name, and an unknown name is not', async () => {
      const name = nextName();
      expect(await harness.engine.find(name)).toBeUndefined();
      const id = await start(harness.endsWell, name);
      expect(await harness.engine.find(name)).toBe(id);
      await end(id);
      expect(await harness.engine.find(name)).toBe(id);
    });

    test('a job that ends well is succeeded and has metrics', async () => {
      const id = await start(harness.endsWell);
      expect((await end(id))?.state).toBe('succeeded');
      const metrics = await harness.engine.metrics(id);
      expect(metrics).toMatchObject(harness.endsWellCounts);
      expect((metrics?.finishedAt ?? '') >= (metrics?.startedAt ?? '~')).toBe(true);
    });

    test('a job that ends badly is failed, in the words of the engine', async () => {
      const status = await end(await start(harness.fails));
      expect(status?.state).toBe('failed');
      expect(status?.message).toContain(harness.failureMessage);
    });

    test('a name starts one job: starting it again answers the first, while it runs and after it ended', async (context) => {
      context.skip(harness.shortcomings?.startsAgain !== undefined, harness.shortcomings?.startsAgain);
      const name = nextName();
      const first = await start(harness.endless, name);
      expect(await start(harness.endsWell, name)).toBe(first);
      expect((await statusOf(first))?.state).toMatch(/queued|running/);
      await harness.engine.stop(first, { force: true });
      await end(first);
      expect(await start(harness.endsWell, name)).toBe(first);
      expect((await statusOf(first))?.state).toBe('stopped');
    });

    test('two starts of one name at the same time are one job', async (context) => {
      context.skip(harness.shortcomings?.startsAgain !== undefined, harness.shortcomings?.startsAgain);
      const name = nextName();
      const ids = await Promise.all([start(harness.endsWell, name), start(harness.endsWell, name)]);
      expect(new Set(ids).size).toBe(1);
      expect((await end(ids[0]))?.state).toBe('succeeded');
    });

    test('an unknown id is absent from the answer and disturbs no other', async () => {
      const id = await start(harness.endsWell);
      await end(id);
      const statuses = await harness.engine.status([engineJobId('no-such-job'), id, engineJobId('../no/such\0job')]);
      expect([...statuses.keys()]).toEqual([id]);
      expect(await harness.engine.status([])).toEqual(new Map());
      expect(await harness.engine.metrics(engineJobId('no-such-job'))).toBeUndefined();
    });

    test('1,000 jobs are one question', async () => {
      const id = await start(harness.endsWell);
      await end(id);
      const unknown = Array.from({ length: 999 }, (_, index) => engineJobId(`unknown-${index}`));
      expect((await harness.engine.status([...unknown, id])).size).toBe(1);
    });

    test.each([false, true])('a running job can be stopped (force: %s)', async (force) => {
      const id = await start(harness.endless);
      await harness.engine.stop(id, { force });
      expect((await end(id))?.state).toBe('stopped');
    });

    test('stopping what is final or unknown is no error and changes nothing', async () => {
      const id = await start(harness.endsWell);
      await end(id);
      await harness.engine.stop(id, { force: true });
      await harness.engine.stop(engineJobId('no-such-job'), { force: false });
      expect((await statusOf(id))?.state).toBe('succeeded');
    });

    test('a removed job is unknown, and removing what is unknown is no error', async () => {
      const name = nextName();
      const id = await start(harness.endsWell, name);
      await end(id);
      await harness.engine.remove(id);
      await harness.engine.remove(id);
      expect(await statusOf(id)).toBeUndefined();
      expect(await harness.engine.find(name)).toBeUndefined();
      expect(await harness.engine.metrics(id)).toBeUndefined();
    });

    test('a listener is told once when a job ends, and no more after it has left', async (context) => {
      const { onChange } = harness.engine;
      context.skip(onChange === undefined, harness.shortcomings?.tellsNobody);
      if (!onChange) return;
      const told: string[] = [];
      const leave = onChange((change) => told.push(`${change.runId} ${change.engineJobId}`));
      const id = await start(harness.endsWell);
      await end(id);
      await statusOf(id);
      expect(told).toEqual([`${RUN} ${id}`]);
      leave();
      await end(await start(harness.endsWell));
      expect(told).toHaveLength(1);
    });

    test('what has ended is known after a restart as it was before', async () => {
      const ends: [EngineJobId, EngineJobStatus | undefined, EngineMetrics | undefined][] = [];
      for (const job of [harness.endsWell, harness.fails]) {
        const id = await start(job);
        ends.push([id, await end(id), await harness.engine.metrics(id)]);
      }
      harness = await harness.restart();
      for (const [id, status, metrics] of ends) {
        expect(await statusOf(id)).toEqual(status);
        expect(await harness.engine.metrics(id)).toEqual(metrics);
      }
    });

    test('where starts may be repeated, a job that had begun is known after any restart, and its name starts nothing', async (context) => {
      context.skip(harness.engine.fenceSeconds > 0, 'whoever repeats a start here waits for the fence, and looks for the name');
      const name = nextName();
      const id = await start(harness.endless, name);
      await whenRunning(harness.engine, id);
      for (let restarts = 0; restarts < 2; restarts += 1) {
        harness = await harness.restart();
        const status = await statusOf(id);
        expect(status?.state).toMatch(/^(running|lost)$/);
        expect(await harness.engine.find(name)).toBe(id);
        expect(await start(harness.endsWell, name)).toBe(id);
        expect(await statusOf(id)).toEqual(status);
      }
      await harness.engine.stop(id, { force: true });
      expect((await end(id))?.state).toMatch(/^(stopped|lost)$/);
      await harness.engine.remove(id);
      expect(await harness.engine.find(name)).toBeUndefined();
    });
  });
}

/** Waits for the engine's own word, not for time. Undefined when the job is unknown. */
export async function whenEnded(
  { engine, elapse }: Pick<EngineHarness, 'engine' | 'elapse'>,
  id: EngineJobId,
): Promise<EngineJobStatus | undefined> {
  for (;;) {
    const changed = engine.onChange ? nextChange({ onChange: engine.onChange }) : ASKED_ALONE;
    const status = (await engine.status([id])).get(id);
    if (status?.state !== 'queued' && status?.state !== 'running') {
      changed.cancel();
      return status;
    }
    elapse();
    await changed.told;
  }
}

/** No engine tells that a job has begun: it is asked until it says so. */
export async function whenRunning(engine: Engine, id: EngineJobId): Promise<void> {
  for (;;) {
    const state = (await engine.status([id])).get(id)?.state;
    if (state === 'running') return;
    if (state !== 'queued') throw new Error(`the job is ${state ?? 'unknown'}, and was to run`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** An engine that tells nobody is asked again when time has passed. */
const ASKED_ALONE = { told: Promise.resolve(), cancel: (): void => undefined };

function nextChange(engine: Pick<ListenableEngine, 'onChange'>): { readonly told: Promise<void>; readonly cancel: () => void } {
  let leave: () => void = () => undefined;
  const told = new Promise<void>((resolve) => {
    leave = engine.onChange(() => {
      leave();
      resolve();
    });
  });
  return {
    told,
    cancel: () => {
      leave();
    },
  };
}
