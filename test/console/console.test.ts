import { describe, expect, test } from 'vitest';
import { ApiError, ServiceUnreachable } from '#client/errors';
import { webConsole, type Console, type ConsoleClient } from '#console/console';
import { h, type Tree } from '#console/tree';
import { problemOf } from '#contract/problems';
import { aJob, aReportedJob, anEntry, anOpenRun, aRun, RUN_ID } from './builders.ts';
import { fact, find, has, textOf } from './reading.ts';

interface Stage {
  readonly console: Console;
  readonly calls: string[];
  readonly address: string[];
  readonly answers: { -readonly [Name in keyof ConsoleClient]: ConsoleClient[Name] };
  readonly tokens: (string | undefined)[];
  tree: Tree;
  title: string;
  nowMs: number;
  isSeen: boolean;
  token: string | undefined;
}

/** A browser at an address, and a service that answers what the test wants. */
function at(search: string, change: Partial<ConsoleClient> = {}): Stage {
  const calls: string[] = [];
  const counted: ConsoleClient = {
    listRuns: (options) => told(`listRuns ${JSON.stringify(options)}`, () => stage.answers.listRuns(options)),
    getRun: (id, options) => told(`getRun ${id}`, () => stage.answers.getRun(id, options)),
    listJobs: (id, options) => told(`listJobs ${id}`, () => stage.answers.listJobs(id, options)),
    getAnyJob: (id) => told(`getAnyJob ${id}`, () => stage.answers.getAnyJob(id)),
    listOutputs: (id, options) => told(`listOutputs ${id}`, () => stage.answers.listOutputs(id, options)),
    listHistory: (id, options) => told(`listHistory ${id}`, () => stage.answers.listHistory(id, options)),
    cancelRun: (id) => told(`cancelRun ${id}`, () => stage.answers.cancelRun(id)),
    retryRun: (id) => told(`retryRun ${id}`, () => stage.answers.retryRun(id)),
  };
  function told<Result>(call: string, answer: () => Promise<Result>): Promise<Result> {
    calls.push(call);
    return answer();
  }
  const stage: Stage = {
    calls,
    address: [search],
    tokens: [],
    tree: h('p'),
    title: '',
    nowMs: Date.parse('2026-11-21T08:00:20Z'),
    isSeen: true,
    token: undefined,
    answers: {
      listRuns: () => Promise.resolve({ items: [aRun()] }),
      getRun: () => Promise.resolve(anOpenRun()),
      listJobs: () => Promise.resolve({ items: [aJob(0)] }),
      getAnyJob: () => Promise.resolve(aJob(0)),
      listOutputs: () => Promise.resolve({ items: [], outputs: 0, 'size-bytes': 0 }),
      listHistory: () => Promise.resolve({ items: [anEntry(1)] }),
      cancelRun: () => Promise.resolve(anOpenRun({ state: 'CANCELLING' })),
      retryRun: () => Promise.resolve({ 'run-id': RUN_ID, state: 'RUNNING', attempt: 2, 'job-ids': ['a', 'b'], links: {} }),
      ...change,
    },
    console: webConsole({
      clientWith(token) {
        stage.tokens.push(token);
        return counted;
      },
      token: { read: () => stage.token, keep: (token) => (stage.token = token) },
      address: { read: () => stage.address.at(-1) ?? '', push: (address) => stage.address.push(address) },
      show(tree, title) {
        stage.tree = tree;
        stage.title = title;
      },
      nowMs: () => stage.nowMs,
      isSeen: () => stage.isSeen,
    }),
  };
  return stage;
}

const refused = (slug: Parameters<typeof problemOf>[0], detail: string): Promise<never> =>
  Promise.reject(new ApiError(problemOf(slug, detail)));

async function pass(stage: Stage, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    stage.nowMs += 1000;
    await stage.console.tick();
  }
}

describe('going to a place', () => {
  test('the filters of the address are asked of the service, and a click changes the address', async () => {
    const stage = at('?state=FAILED&user=ada&since=2026-11-20T00:00Z&cursor=c');
    await stage.console.arrive();
    expect(stage.calls).toEqual(['listRuns {"state":"FAILED","userId":"ada","cursor":"c","from":"2026-11-20T00:00Z","limit":50}']);
    expect(stage.title).toBe('Runs · Sluice');
    await stage.console.receive({ kind: 'go', place: { kind: 'run', runId: RUN_ID } });
    expect(stage.address.at(-1)).toBe(`?run=${RUN_ID}`);
    expect(fact(stage.tree, 'State')).toBe('▶ RUNNING');
    expect(stage.calls.slice(1)).toEqual([`getRun ${RUN_ID}`, `listJobs ${RUN_ID}`]);
  });

  test('a job is its state, its parameters and its history', async () => {
    const stage = at('?job=job_1');
    await stage.console.arrive();
    expect(stage.calls).toEqual(['getAnyJob job_1', 'listHistory job_1']);
    expect(textOf(stage.tree)).toContain('Everything that happened to it');
  });

  test('a job that reports itself is asked for its outputs as well', async () => {
    const stage = at('?job=107', { getAnyJob: () => Promise.resolve(aReportedJob({ state: 'RUNNING' })) });
    await stage.console.arrive();
    expect(stage.calls).toEqual(['getAnyJob 107', 'listHistory 107', 'listOutputs 107']);
  });

  test('an address that cannot be read asks nothing and says why', async () => {
    const stage = at('?state=DONE');
    await stage.console.arrive();
    await pass(stage, 30);
    expect(stage.calls).toEqual([]);
    expect(textOf(stage.tree)).toContain('there is no run state DONE');
  });

  test('an answer that comes after somebody has gone on is dropped', async () => {
    let answer: (() => void) | undefined;
    const stage = at('', {
      listRuns: () =>
        new Promise((resolve) => {
          answer = () => {
            resolve({ items: [aRun()] });
          };
        }),
    });
    const first = stage.console.arrive();
    await stage.console.receive({ kind: 'go', place: { kind: 'run', runId: RUN_ID } });
    answer?.();
    await first;
    expect(stage.title).toBe(`Run ${RUN_ID} · Sluice`);
    expect(fact(stage.tree, 'State')).toBe('▶ RUNNING');
  });

  test('what the service refuses is told with its detail', async () => {
    const stage = at('?run=run_none', { getRun: () => refused('not-found', 'there is no run run_none') });
    await stage.console.arrive();
    expect(textOf(stage.tree)).toContain('There is nothing of that name: there is no run run_none');
  });
});

describe('a token', () => {
  const needing = (stage: Stage): void => {
    stage.answers.listRuns = () =>
      stage.token === 'slc_good' ? Promise.resolve({ items: [aRun()] }) : refused('not-authenticated', 'send one');
  };

  test('is asked for where the service wants one, and used from then on', async () => {
    const stage = at('');
    needing(stage);
    await stage.console.arrive();
    expect(find(stage.tree, 'input').attributes).toMatchObject({ type: 'password' });
    await stage.console.receive({ kind: 'sign-in', token: 'slc_bad' });
    expect(textOf(stage.tree)).toContain('This token was refused.');
    await stage.console.receive({ kind: 'sign-in', token: 'slc_good' });
    expect(has(stage.tree, 'a', RUN_ID)).toBe(true);
    expect(stage.tokens).toEqual([undefined, 'slc_bad', 'slc_good']);
    expect(stage.address.join(' ')).not.toContain('slc_');
  });

  test('is forgotten on demand', async () => {
    const stage = at('');
    stage.token = 'slc_good';
    needing(stage);
    await stage.console.arrive();
    await stage.console.receive({ kind: 'sign-out' });
    expect(stage.token).toBeUndefined();
    expect(has(stage.tree, 'form', 'API token')).toBe(true);
    expect(has(stage.tree, 'td', 'ada')).toBe(false);
  });

  test('is not asked for where none is needed', async () => {
    const stage = at('');
    await stage.console.arrive();
    expect(has(stage.tree, 'form', 'API token')).toBe(false);
    expect(has(stage.tree, 'button', 'Forget the token')).toBe(false);
  });
});

describe('the page stays true', () => {
  test('an open run is looked at again every five seconds, and not once it has ended', async () => {
    const stage = at(`?run=${RUN_ID}`);
    await stage.console.arrive();
    await pass(stage, 10);
    expect(stage.calls.filter((call) => call.startsWith('getRun'))).toHaveLength(3);
    stage.answers.getRun = () => Promise.resolve(aRun());
    await pass(stage, 5);
    expect(fact(stage.tree, 'State')).toBe('◐ PARTIAL');
    await pass(stage, 60);
    expect(stage.calls.filter((call) => call.startsWith('getRun'))).toHaveLength(4);
  });

  test('the clocks go on between two looks', async () => {
    const stage = at(`?run=${RUN_ID}`);
    await stage.console.arrive();
    expect(fact(stage.tree, 'Elapsed')).toBe('20.0 s');
    await pass(stage, 2);
    expect(fact(stage.tree, 'Elapsed')).toBe('22.0 s');
    expect(stage.calls).toHaveLength(2);
  });

  test('nothing is asked while it is paused, or not seen', async () => {
    const stage = at('');
    await stage.console.arrive();
    await stage.console.receive({ kind: 'follow', on: false });
    await pass(stage, 60);
    expect(stage.calls).toHaveLength(1);
    await stage.console.receive({ kind: 'follow', on: true });
    stage.isSeen = false;
    await pass(stage, 60);
    expect(stage.calls).toHaveLength(1);
    stage.isSeen = true;
    await pass(stage, 1);
    expect(stage.calls).toHaveLength(2);
  });

  test('a refresh that fails is told and leaves what is there; the next that succeeds takes the words back', async () => {
    const stage = at(`?run=${RUN_ID}`);
    await stage.console.arrive();
    stage.answers.getRun = () => Promise.reject(new ServiceUnreachable('http://here', new Error('refused')));
    await pass(stage, 5);
    expect(textOf(stage.tree)).toContain('Not refreshed: The service does not answer.');
    expect(fact(stage.tree, 'State')).toBe('▶ RUNNING');
    stage.answers.getRun = () => Promise.resolve(anOpenRun());
    await pass(stage, 5);
    expect(textOf(stage.tree)).not.toContain('Not refreshed');
  });

  test('a slow service is not asked again before it has answered', async () => {
    const stage = at(`?run=${RUN_ID}`);
    await stage.console.arrive();
    stage.answers.getRun = () => new Promise(() => undefined);
    for (let second = 0; second < 30; second += 1) {
      stage.nowMs += 1000;
      void stage.console.tick();
    }
    await Promise.resolve();
    expect(stage.calls.filter((call) => call.startsWith('getRun'))).toHaveLength(2);
  });
});

describe('what is done', () => {
  test('is done once, after it was confirmed, and its outcome is told', async () => {
    const stage = at(`?run=${RUN_ID}`);
    await stage.console.arrive();
    await stage.console.receive({ kind: 'ask', action: 'cancel' });
    expect(stage.calls).not.toContain(`cancelRun ${RUN_ID}`);
    await Promise.all([
      stage.console.receive({ kind: 'confirm', action: 'cancel' }),
      stage.console.receive({ kind: 'confirm', action: 'cancel' }),
    ]);
    expect(stage.calls.filter((call) => call.startsWith('cancelRun'))).toHaveLength(1);
    expect(textOf(stage.tree)).toContain('The run is CANCELLING: 2 jobs are being stopped.');
    expect(stage.calls.at(-1)).toBe(`listJobs ${RUN_ID}`);
  });

  test('is not done where it was not confirmed, and the keyboard is back where it was', async () => {
    const stage = at(`?run=${RUN_ID}`);
    await stage.console.arrive();
    await stage.console.receive({ kind: 'ask', action: 'cancel' });
    await stage.console.receive({ kind: 'dismiss' });
    expect(stage.calls).toHaveLength(2);
    expect(find(stage.tree, 'button', 'Cancel…').attributes).toHaveProperty('autofocus');
  });

  test('a retry says which attempt it is and of how many jobs', async () => {
    const stage = at(`?run=${RUN_ID}`, { getRun: () => Promise.resolve(aRun()) });
    await stage.console.arrive();
    await stage.console.receive({ kind: 'ask', action: 'retry' });
    await stage.console.receive({ kind: 'confirm', action: 'retry' });
    expect(textOf(stage.tree)).toContain('Attempt 2 has begun, of 2 jobs.');
  });

  test('a refusal is told with its detail, and the page stays', async () => {
    const stage = at(`?run=${RUN_ID}`, { cancelRun: () => refused('already-ended', 'the run is SUCCEEDED') });
    await stage.console.arrive();
    await stage.console.receive({ kind: 'ask', action: 'cancel' });
    await stage.console.receive({ kind: 'confirm', action: 'cancel' });
    expect(textOf(stage.tree)).toContain('It has ended already: the run is SUCCEEDED');
    expect(fact(stage.tree, 'State')).toBe('▶ RUNNING');
  });

  test('is told with the run’s name where somebody has gone on meanwhile', async () => {
    let answer: (() => void) | undefined;
    const stage = at(`?run=${RUN_ID}`, {
      cancelRun: () =>
        new Promise((resolve) => {
          answer = () => {
            resolve(anOpenRun({ state: 'CANCELLING' }));
          };
        }),
    });
    await stage.console.arrive();
    const done = stage.console.receive({ kind: 'confirm', action: 'cancel' });
    await stage.console.receive({ kind: 'go', place: { kind: 'runs' } });
    answer?.();
    await done;
    expect(textOf(stage.tree)).toContain(`${RUN_ID}: The run is CANCELLING`);
    expect(has(stage.tree, 'table', 'Runs, newest first')).toBe(true);
  });
});
