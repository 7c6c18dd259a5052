import { describe, expect, test } from 'vitest';
import { costLines } from '#client/run-words';
import { chip } from '#console/chip';
import { frame, type Content, type Shown } from '#console/frame';
import { JOB_STATES, RUN_STATES, type Place, type RunPlace } from '#console/place';
import { actionsOf } from '#console/run-page';
import type { Tree } from '#console/tree';
import type { RunView } from '#contract/views';
import { aJob, aReportedJob, anEntry, anOpenRun, aRun, COST, RUN_ID } from './builders.ts';
import { all, fact, find, has, rows, textOf } from './reading.ts';

const NOW = Date.parse('2026-11-21T08:00:20Z');
const RUN: RunPlace = { kind: 'run', runId: RUN_ID };

const shown = (place: Place, content: Content, change: Partial<Shown> = {}): Tree =>
  frame({ place, content, doing: { busy: false }, follows: true, hasToken: true, loadedMs: NOW, nowMs: NOW, ...change });
const runShown = (run: RunView, change: Partial<Shown> = {}, place = RUN): Tree =>
  shown(place, { kind: 'run', run, page: { jobs: [aJob(0)], looked: { from: 0, to: 0 } } }, change);

test.each([...RUN_STATES, ...JOB_STATES])('%s is told by an icon and its name', (state) => {
  const [icon, name] = chip(state).children;
  expect(icon && textOf(icon)).toMatch(/^\S$/u);
  expect(name).toBe(` ${state}`);
});

describe('the list of runs', () => {
  const page = { items: [aRun(), anOpenRun({ 'user-id': 'bob' })], 'next-cursor': 'c2' };
  const tree = shown({ kind: 'runs', state: 'PARTIAL', userId: 'a&b' }, { kind: 'runs', page });

  test('has a row for each with its state, counts and times', () => {
    expect(rows(tree)).toEqual([
      [RUN_ID, '◐ PARTIAL', 'ada', 'nightly', 'tmpl_csv-to-parquet v2', '3', '2', '1', '0', '0', '2026-11-21 08:00:00 UTC', '1 min 05 s'],
      [RUN_ID, '▶ RUNNING', 'bob', 'nightly', 'tmpl_csv-to-parquet v2', '3', '1', '0', '0', '2', '2026-11-21 08:00:00 UTC', '20.0 s'],
    ]);
    expect(find(tree, 'a', RUN_ID).attributes['href']).toBe(`?run=${RUN_ID}`);
  });

  test('leads on under the same filters, and back to the first page only from another', () => {
    expect(find(tree, 'a', 'Next page').attributes['href']).toBe('?state=PARTIAL&user=a%26b&cursor=c2');
    expect(has(tree, 'a', 'First page')).toBe(false);
    const last = shown({ kind: 'runs', state: 'PARTIAL', cursor: 'c2' }, { kind: 'runs', page: { items: [aRun()] } });
    expect(find(last, 'a', 'First page').attributes['href']).toBe('?state=PARTIAL');
    expect(has(last, 'a', 'Next page')).toBe(false);
  });

  test('shows its filters in the form, and what is filled in there becomes the place', () => {
    expect(find(tree, 'option', 'PARTIAL').attributes).toHaveProperty('selected');
    const { submit } = find(tree, 'form').reactions;
    const fields: Readonly<Record<string, string>> = { state: 'FAILED', user: 'ada', since: '2026-11-20T00:00' };
    expect(submit?.((name) => fields[name] ?? '')).toEqual({
      kind: 'go',
      place: { kind: 'runs', state: 'FAILED', userId: 'ada', since: '2026-11-20T00:00Z' },
    });
  });

  test('a page without rows is the end only where there is no cursor', () => {
    expect(textOf(shown({ kind: 'runs' }, { kind: 'runs', page: { items: [] } }))).toContain('There is no run of this kind.');
    const short = shown({ kind: 'runs' }, { kind: 'runs', page: { items: [], 'next-cursor': 'c' } });
    expect(textOf(short)).toContain('there may be some on the next');
  });
});

describe('the page of a run', () => {
  test('says how it stands, who asked, how long it takes and when the engine is asked next', () => {
    const waiting = { jobs: 2, since: '2026-11-21T08:00:05.000Z', reason: 'slots of the template' };
    const trouble = { since: '2026-11-21T08:00:05.000Z', message: 'Control Hub answered 401' };
    const tree = runShown(anOpenRun({ attempt: 2, waiting, 'engine-trouble': trouble, 'next-poll-at': '2026-11-21T08:00:32.000Z' }));
    expect(fact(tree, 'State')).toBe('▶ RUNNING');
    expect(fact(tree, 'Attempt')).toBe('2');
    expect(fact(tree, 'Asked for by')).toBe('token of ada');
    expect(fact(tree, 'Elapsed')).toBe('20.0 s');
    expect(fact(tree, 'Next poll')).toBe('in 12 s, or sooner when the engine tells of a change');
    expect(fact(tree, 'Waiting')).toBe('2 jobs since 2026-11-21 08:00:05 UTC: slots of the template');
    expect(fact(tree, 'Engine')).toBe('In trouble since 2026-11-21 08:00:05 UTC: Control Hub answered 401');
    expect(fact(tree, 'Ended')).toBeUndefined();
    expect(fact(tree, 'Open')).toBe('2');
  });

  test('tells the cost in the words of the command line', () => {
    const tree = runShown(aRun({ cost: COST }));
    for (const [name, words] of costLines(COST)) expect(fact(tree, name)).toBe(words);
    expect(fact(tree, 'cost')).toMatch(/^\$0\.000534 on AWS at list prices/);
    expect(fact(tree, 'of that')).toContain('13 state transitions, 9 invocations');
    expect(fact(tree, 'by kind')).toContain('$0.000325 Step Functions, $0.000080 Lambda');
    expect(fact(tree, 'by kind')).toContain('4,321 ms in Lambda');
  });

  test('has a row per parameter set, with the failure where there is one and what is waited for before', () => {
    const failure = { reason: 'engine-error' as const, message: 'there is no file' };
    const { metrics: _none, ...bare } = aJob(2, { state: 'CREATED', queued: { for: 'slot' } });
    const jobs = [aJob(0), aJob(1, { state: 'FAILED', failure }), bare];
    const tree = shown(RUN, { kind: 'run', run: aRun(), page: { jobs, looked: { from: 0, to: 2 }, next: 'c' } });
    expect(rows(tree)).toEqual([
      ['0', '✓ FINISHED', '1', '1,461', '1,460', '1', '0.21 s', 'tables/weather.parquet'],
      ['1', '✗ FAILED', '1', '1,461', '1,460', '1', '0.21 s', 'engine-error: there is no file'],
      ['2', '○ CREATED', '1', '', '', '', '', 'waits for a slot'],
    ]);
    expect(find(tree, 'a', 'Next page').attributes['href']).toBe(`?run=${RUN_ID}&cursor=c`);
  });

  test('a filter is a link, is marked where it holds, and says among which sets it was looked', () => {
    const tree = runShown(aRun(), {}, { ...RUN, jobState: 'FINISHED' });
    expect(find(tree, 'a', 'FINISHED').attributes).toMatchObject({ 'aria-current': 'true', href: `?run=${RUN_ID}&job-state=FINISHED` });
    expect(find(tree, 'a', 'All').attributes).not.toHaveProperty('aria-current');
    expect(textOf(tree)).toContain('1 job FINISHED among sets 0 to 0 of 3');
  });
});

describe('what can be done', () => {
  const counted = (failed: number, cancelled: number, open: number): RunView['jobs'] => ({
    total: 3,
    finished: 0,
    failed,
    cancelled,
    open,
  });

  test.each([
    ['an open run', anOpenRun(), ['cancel']],
    ['an open run with a failure', anOpenRun({ jobs: counted(1, 0, 2) }), ['cancel', 'retry']],
    ['a run that is being cancelled', anOpenRun({ state: 'CANCELLING', jobs: counted(1, 0, 2) }), []],
    ['a run that succeeded', aRun({ state: 'SUCCEEDED', jobs: { ...counted(0, 0, 0), finished: 3 } }), []],
    ['a run that failed in part', aRun(), ['retry']],
    ['a run that was cancelled', aRun({ state: 'CANCELLED', jobs: counted(0, 3, 0) }), ['retry']],
  ] as const)('with %s', (_, run, actions) => {
    expect(actionsOf(run)).toEqual(actions);
  });

  test('is asked before it is done, with how many jobs it is about, and the keyboard is on the way out', () => {
    expect(find(runShown(anOpenRun()), 'button', 'Cancel…').reactions.click).toEqual({ kind: 'ask', action: 'cancel' });
    const tree = runShown(anOpenRun(), { doing: { asked: 'cancel', busy: false } });
    expect(textOf(tree)).toContain('Cancel this run? 2 jobs not ended yet will be stopped');
    expect(find(tree, 'button', 'Cancel the run').reactions.click).toEqual({ kind: 'confirm', action: 'cancel' });
    expect(find(tree, 'button', 'Let it go on').attributes).toHaveProperty('autofocus');
    const busy = runShown(anOpenRun(), { doing: { asked: 'cancel', busy: true } });
    expect(find(busy, 'button', 'Cancel the run').attributes).toHaveProperty('disabled');
  });
});

test('the page of a job has its parameters with their origins, and its history', () => {
  const job = aJob(1, {
    state: 'FAILED',
    failure: { reason: 'lost', message: 'the worker is gone' },
    parameters: {
      SOURCE: { value: 'a.csv', origin: 'caller' },
      LIMIT: { value: 7, origin: 'caller', replaced: { origin: 'target-parameters', value: 5 } },
    },
  });
  const entries = [anEntry(1), anEntry(2, { name: 'fail', from: 'RUNNING', to: 'FAILED', data: { reason: 'lost' } })];
  const tree = shown(
    { kind: 'job', jobId: job['job-id'] },
    { kind: 'job', told: { job }, history: { items: entries, 'next-cursor': 'h2' } },
  );
  expect(fact(tree, 'Failure')).toBe('lost: the worker is gone');
  expect(rows(tree)).toEqual([
    ['LIMIT', '7', 'caller', '5 (target-parameters)'],
    ['SOURCE', 'a.csv', 'caller', ''],
  ]);
  expect(rows(find(tree, 'table', 'Everything that happened'))).toEqual([
    ['1', 'create', '2026-11-21 08:00:00 UTC', 'ada', '', 'CREATED', '1', ''],
    ['2', 'fail', '2026-11-21 08:00:00 UTC', 'ada', 'RUNNING', 'FAILED', '1', '{"reason":"lost"}'],
  ]);
  expect(find(tree, 'a', 'Next page').attributes['href']).toBe(`?job=${job['job-id']}&cursor=h2`);
});

test('the page of a job that reports itself has what it is about, its outputs, and its history', () => {
  const job = aReportedJob({ state: 'FAILED', failure: { reason: 'lost', message: 'nothing was heard of it' } });
  const output = { key: 'a.bam', 'size-bytes': 1204, checksum: 'etag:x', 'modified-at': '2026-11-21T08:00:30.000Z' };
  const outputs = { items: [output], outputs: 1, 'size-bytes': 1204, 'indexed-at': '2026-11-21T08:01:00.000Z' };
  const page = (change: Partial<typeof outputs>): Tree =>
    shown(
      { kind: 'job', jobId: job['job-id'] },
      { kind: 'job', told: { job, outputs: { ...outputs, ...change } }, history: { items: [anEntry(1)] } },
    );
  const tree = page({});
  expect(['State', 'Pipeline', 'Failure', 'Data'].map((name) => fact(tree, name))).toEqual([
    '✗ FAILED',
    'align',
    'lost: nothing was heard of it',
    '{"sample":"s-1"}',
  ]);
  expect(rows(find(tree, 'table', 'As the last indexing found them'))).toEqual([['a.bam', '1,204', '2026-11-21 08:00:30 UTC', 'etag:x']]);
  expect(rows(find(tree, 'table', 'Everything that happened'))).toHaveLength(1);
  expect(textOf(page({ items: [] }))).toContain('None are listed');
});

describe('for those who do not see it', () => {
  const trees = [
    shown({ kind: 'runs' }, { kind: 'runs', page: { items: [aRun()] } }),
    runShown(anOpenRun({ cost: COST }), { doing: { asked: 'cancel', busy: false } }),
    shown({ kind: 'runs' }, { kind: 'token-needed', refused: true }, { hasToken: false }),
  ];

  test('every field has a label, every table a caption and headed columns and rows', () => {
    for (const tree of trees) {
      const labelled = all(tree)
        .filter(({ tag }) => tag === 'label')
        .flatMap((label) => all(label.children));
      for (const field of all(tree).filter(({ tag }) => tag === 'input' || tag === 'select')) expect(labelled).toContain(field);
      for (const table of all(tree).filter(({ tag }) => tag === 'table')) {
        expect(has(table, 'caption')).toBe(true);
        for (const head of all(table).filter(({ tag }) => tag === 'th')) expect(head.attributes['scope']).toMatch(/^(col|row)$/);
      }
    }
  });

  test('a change of the run is said, and a refresh that changes nothing is not', () => {
    const said = (run: RunView, nowMs: number): string =>
      textOf(all(runShown(run, { nowMs, loadedMs: nowMs })).find(({ attributes }) => attributes['role'] === 'status') ?? '');
    expect(said(anOpenRun(), NOW)).toBe('The run is RUNNING: 1 of 3 jobs ended, 0 failed');
    expect(said(anOpenRun(), NOW + 60_000)).toBe(said(anOpenRun(), NOW));
    expect(said(aRun(), NOW)).not.toBe(said(anOpenRun(), NOW));
  });
});
