/** The judge of `npm run chaos`: what is right passes, and every kind of damage is told with the id of what is damaged. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HistoryEntryView, JobView, RunView } from '#contract/views';
import type { Evidence, ExecutionEvidence, JobEvidence, RunEvidence } from './evidence.ts';
import { expectedContent, outputOf, watchOutputs } from './outputs.ts';
import { planRounds, type PlannedRun } from './plan.ts';
import { violations } from './violations.ts';

const AT = '2026-01-01T00:00:00.000Z';
const RUN_ID = 'run_1';
const jobIdOf = (index: number): string => `job_1_${index}`;

/** More sets than an inline Map takes, one of them planned to fail. */
const planned: PlannedRun = {
  request: { 'user-id': 'u', 'user-run-id': 'r', 'source-type': 's', 'target-type': 't', 'runtime-parameters': [] },
  sets: Array.from({ length: 41 }, (_, index) => ({ target: `r/${index}.csv`, rows: 3, tag: `r/${index}`, fails: index === 1 })),
};

type Step = readonly [name: HistoryEntryView['name'], from: HistoryEntryView['from'], to: HistoryEntryView['to'], attempt: number];

function historyOf(index: number, steps: readonly Step[]): readonly HistoryEntryView[] {
  return steps.map(([name, from, to, attempt], place) => ({
    sequence: place + 1,
    'event-id': `${jobIdOf(index)}#${place + 1}`,
    name,
    at: AT,
    actor: 'sluice',
    from,
    to,
    attempt,
  }));
}

const FINISHED: readonly Step[] = [
  ['create', null, 'CREATED', 1],
  ['run', 'CREATED', 'RUNNING', 1],
  ['fail', 'RUNNING', 'FAILED', 1],
  ['reset', 'FAILED', 'RESET', 1],
  ['ready', 'RESET', 'CREATED', 2],
  ['run', 'CREATED', 'RUNNING', 2],
  ['finish', 'RUNNING', 'FINISHED', 2],
];
const FAILED: readonly Step[] = [
  ['create', null, 'CREATED', 1],
  ['fail', 'CREATED', 'FAILED', 1],
];

function jobOf(index: number): JobEvidence {
  const fails = planned.sets[index]?.fails === true;
  const job: JobView = {
    'job-id': jobIdOf(index),
    'run-id': RUN_ID,
    index,
    state: fails ? 'FAILED' : 'FINISHED',
    attempt: fails ? 1 : 2,
    ...(fails ? { failure: { reason: 'engine-error', message: 'planned' } } : {}),
    metrics: { 'input-record-count': 0, 'output-record-count': fails ? 0 : 3, 'error-record-count': 0 },
    'created-at': AT,
    'updated-at': AT,
    links: {},
  };
  return { job, history: historyOf(index, fails ? FAILED : FINISHED) };
}

const view: RunView = {
  'run-id': RUN_ID,
  state: 'PARTIAL',
  'user-id': 'u',
  'user-run-id': 'r',
  'source-type': 's',
  'target-type': 't',
  'template-id': 'tmpl_x',
  'template-version': 1,
  'requested-by': 'local',
  attempt: 1,
  jobs: { total: 41, finished: 40, failed: 1, cancelled: 0, open: 0 },
  records: { input: 0, output: 120, error: 0 },
  'created-at': AT,
  'updated-at': AT,
  'finished-at': AT,
  links: {},
};

const run: RunEvidence = {
  planned,
  view,
  jobs: planned.sets.map((_, index) => jobOf(index)),
  metricsOf: planned.sets.map((_, index) => jobIdOf(index)),
};
const driver: ExecutionEvidence = { arn: 'arn:run', machine: 'run', name: `${RUN_ID}-a1`, status: 'SUCCEEDED' };
const children = planned.sets.map((_, index): ExecutionEvidence => ({
  arn: `arn:child-${index}`,
  machine: 'child',
  name: `c${index}`,
  status: 'SUCCEEDED',
  parent: driver.name,
}));
const evidence: Evidence = {
  runs: [run],
  listed: [RUN_ID],
  outputs: new Map(planned.sets.filter(({ fails }) => !fails).map((set) => [set.target, outputOf(Buffer.from(expectedContent(set)))])),
  executions: [driver, ...children],
};

const withRun = (change: Partial<RunEvidence>): Evidence => ({ ...evidence, runs: [{ ...run, ...change }] });
const withView = (change: Partial<RunView>): Evidence => withRun({ view: { ...view, ...change } });
const withJob = (index: number, change: (job: JobEvidence) => JobEvidence): Evidence =>
  withRun({ jobs: run.jobs.map((job, place) => (place === index ? change(job) : job)) });
const withSteps = (steps: readonly Step[]): Evidence => withJob(0, ({ job }) => ({ job, history: historyOf(0, steps) }));
const withOutput = (name: string, content: string): Evidence => ({
  ...evidence,
  outputs: new Map([...evidence.outputs, [name, outputOf(Buffer.from(content))]]),
});
const withExecution = (...executions: readonly ExecutionEvidence[]): Evidence => ({ ...evidence, executions });

test('evidence of a run with a retried, a failed and many finished jobs is as it must be', () => {
  expect(violations(evidence)).toEqual([]);
});

describe('told with its id:', () => {
  test.each<[string, string, RegExp, Evidence]>([
    ['a run that has not ended', RUN_ID, /has not ended/, (({ 'finished-at': _, ...open }) => withRun({ view: open }))(view)],
    ['a run that counts other jobs than it has', RUN_ID, /counts/, withView({ jobs: { ...view.jobs, finished: 39, open: 1 } })],
    ['a run that counts other records than its jobs', RUN_ID, /records/, withView({ records: { ...view.records, output: 119 } })],
    [
      'a run that was seen ended with other counts',
      RUN_ID,
      /was seen ended/,
      withRun({ seenEnded: { ...view, jobs: { ...view.jobs, failed: 2 } } }),
    ],
    ['a run that lacks a job', RUN_ID, /40 jobs for 41 sets/, withRun({ jobs: run.jobs.slice(1) })],
    ['a job with two rows of metrics', RUN_ID, /42 rows/, withRun({ metricsOf: [...run.metricsOf, jobIdOf(0)] })],
    ['a run that nobody was told of', 'run_2', /no caller/, { ...evidence, listed: [RUN_ID, 'run_2'] }],
    ['a run that is in no list', RUN_ID, /no list/, { ...evidence, listed: [] }],
    [
      'a job that never ended',
      jobIdOf(0),
      /is RUNNING, which is no end/,
      withJob(0, ({ job, history }) => ({ job: { ...job, state: 'RUNNING' }, history: history.slice(0, -1) })),
    ],
    ['a job whose history goes on', jobIdOf(0), /history ends in RESET/, withSteps([...FINISHED, ['reset', 'FINISHED', 'RESET', 2]])],
    [
      'a job that finished twice under one attempt',
      jobIdOf(0),
      /attempt 2 has 2 ends/,
      withSteps([...FINISHED, ['finish', 'FINISHED', 'FINISHED', 2]]),
    ],
    ['an attempt without an end', jobIdOf(0), /attempt 1 has 0 ends/, withSteps(FINISHED.filter(([name]) => name !== 'fail'))],
    [
      'a history with a gap',
      jobIdOf(0),
      /entry 3 \(fail\) stands at place 2/,
      withJob(0, ({ job, history }) => ({ job, history: history.filter(({ sequence }) => sequence !== 2) })),
    ],
    [
      'an event that its state does not allow',
      jobIdOf(0),
      /not allowed/,
      withSteps([
        ['create', null, 'CREATED', 1],
        ['finish', 'CREATED', 'FINISHED', 1],
      ]),
    ],
    [
      'an attempt that counts wrongly',
      jobIdOf(0),
      /attempt 3 instead of 2/,
      withSteps(FINISHED.map((step) => (step[0] === 'ready' ? ['ready', 'RESET', 'CREATED', 3] : step))),
    ],
    [
      'a failure that was not planned',
      jobIdOf(1),
      /has failed/,
      withJob(1, ({ job, history }) => ({ job: { ...job, failure: { reason: 'aborted', message: '' } }, history })),
    ],
    [
      'a job lost before its retries were used up',
      jobIdOf(1),
      /has failed/,
      withJob(1, ({ job, history }) => ({ job: { ...job, failure: { reason: 'lost', message: '' } }, history })),
    ],
    ['an output that is cut off', jobIdOf(0), /left 1 rows of 3/, withOutput('r/0.csv', 'n,tag\n0,r/0\n1,r/')],
    ["an output that holds another's rows", jobIdOf(0), /or others/, withOutput('r/0.csv', 'n,tag\n0,r/2\n1,r/2\n2,r/2\n')],
    ['an output of a job that failed', jobIdOf(1), /left an output/, withOutput('r/1.csv', 'n,tag\n')],
    ['an output that is missing', jobIdOf(0), /without its output/, { ...evidence, outputs: new Map([...evidence.outputs].slice(1)) }],
    ['a temporary file', '.sluice/job_1.part', /left in the output root/, withOutput('.sluice/job_1.part', '')],
    ['an execution that still runs', 'arn:run', /is RUNNING/, withExecution({ ...driver, status: 'RUNNING' }, ...children)],
    [
      'a Map child that still runs',
      'arn:child-0',
      /is RUNNING/,
      withExecution(driver, ...children.map((child, at) => (at === 0 ? { ...child, status: 'RUNNING' } : child))),
    ],
    ['a run that nothing drove', RUN_ID, /0 executions/, withExecution(...children)],
    ['an execution of no run', 'arn:2', /drives no run/, withExecution(driver, { ...driver, arn: 'arn:2', name: 'run_2-a1' }, ...children)],
    ['a Map that lacks a child', RUN_ID, /40 child executions instead of 41/, withExecution(driver, ...children.slice(1))],
  ])('%s', (_, id, what, damaged) => {
    expect(violations(damaged)).toContainEqual({ id, what: expect.stringMatching(what) as string });
  });
});

test('an output that is not whole right after a kill is told once, also where a later attempt would write over it', () => {
  const root = mkdtempSync(join(tmpdir(), 'sluice-outputs-'));
  try {
    const watched = watchOutputs(root, [{ runs: [planned], repeats: false, kill: { moment: 'run', afterMs: 0, victim: 'all' } }]);
    expect(watched.torn()).toEqual([]);
    mkdirSync(join(root, 'r'));
    writeFileSync(join(root, 'r/0.csv'), expectedContent({ target: 'r/0.csv', rows: 3, tag: 'r/0', fails: false }));
    writeFileSync(join(root, 'r/2.csv'), 'n,tag\n0,r/2\n1,');
    expect(watched.torn()).toEqual([{ id: 'r/2.csv', what: 'left 1 rows of 3 in r/2.csv, or others, right after a kill' }]);
    expect(watched.torn()).toEqual([]);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('the same seed is the same plan, and another is another', () => {
  expect(planRounds(30, 7)).toEqual(planRounds(30, 7));
  expect(planRounds(30, 7)).not.toEqual(planRounds(30, 8));
  const sizes = planRounds(300, 7).flatMap(({ runs }) => runs.map(({ sets }) => sets.length));
  expect([Math.min(...sizes), Math.max(...sizes)]).toEqual([1, 50]);
});
