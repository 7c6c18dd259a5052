import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Json, JsonObject } from '#domain/json';
import { entered, harness, type Harness, outputOf, returned, type Script, textOf, threw } from './harness.ts';

/** The sketches that the product's machines grew from; the machines themselves are run by test/state-machines. */
const SKETCHES = `${process.env['SLUICE_SHARED'] ?? '../shared'}/sketches`;
const SKETCHES_ARE_HERE = existsSync(`${SKETCHES}/run.asl.json`);
if (!SKETCHES_ARE_HERE) console.warn(`The sketches of the machines are not at ${SKETCHES}: their suite is skipped.`);

function machine(name: 'run' | 'watch'): JsonObject {
  return JSON.parse(readFileSync(`${SKETCHES}/${name}.asl.json`, 'utf8')) as JsonObject;
}

interface Scenario {
  readonly count: number;
  readonly alreadyDriven?: boolean;
  readonly poisoned?: number;
}

/** Plays the functions of the run machine: StartJob answers its token at once, except for the poisoned job, which throws. */
function runFunctions(scenario: Scenario, calls: string[], current: () => Harness): Script {
  return (name, payload) => {
    calls.push(name);
    const { job, taskToken } = payload as { job?: { index: number }; taskToken?: string };
    switch (name) {
      case '${PlanRunFunctionArn}':
        return scenario.count < 0
          ? threw('RunRefused', 'no such run')
          : returned({
              runId: 'r1',
              attempt: 1,
              maxParallel: 0,
              alreadyDriven: scenario.alreadyDriven ?? false,
              count: scenario.count,
              indexes: Array.from({ length: scenario.count }, (_, index) => index),
            });
      case '${StartJobFunctionArn}':
        if (job?.index === scenario.poisoned) return threw('TaskInputInvalid', 'poison');
        setImmediate(() => void current().call('SendTaskSuccess', { taskToken: taskToken ?? '', output: '{}' }));
        return returned({});
      default:
        return returned({});
    }
  };
}

async function runScenario(
  scenario: Scenario,
): Promise<{ described: JsonObject; states: readonly string[]; calls: readonly string[]; sfn: Harness; arn: string }> {
  const calls: string[] = [];
  const sfn: Harness = harness(runFunctions(scenario, calls, () => sfn));
  const arn = await sfn.start(await sfn.create(machine('run'), 'run'), { runId: 'r1' });
  // TimeoutSeconds of a month lie ahead; whatever ends without them has ended by then.
  await sfn.clock.advanceBy(60_000);
  return { described: await sfn.describe(arn), states: entered(await sfn.history(arn)), calls, sfn, arn };
}

const count = (calls: readonly string[], name: string): number => calls.filter((one) => one === name).length;

describe.runIf(SKETCHES_ARE_HERE)('the run machine', () => {
  test('forty sets run inline, one job each, and the run is finished', async () => {
    const { described, states, calls, sfn, arn } = await runScenario({ count: 40 });
    expect(described['status']).toBe('SUCCEEDED');
    expect(outputOf(described)).toEqual({});
    expect(states.filter((name) => name === 'RunJob')).toHaveLength(40);
    expect(states.at(-1)).toBe('FinishRun');
    expect(count(calls, '${StartJobFunctionArn}')).toBe(40);
    expect(sfn.ended).toEqual([
      { executionArn: arn, stateMachineArn: described['stateMachineArn'], name: described['name'], status: 'SUCCEEDED' },
    ]);
  });

  test('a poisoned inline job is closed and does not fail its neighbours', async () => {
    const { described, states, calls } = await runScenario({ count: 5, poisoned: 3 });
    expect(described['status']).toBe('SUCCEEDED');
    expect(states.filter((name) => name === 'CloseJob')).toHaveLength(1);
    expect(count(calls, '${CloseJobFunctionArn}')).toBe(1);
  });

  test('forty-one sets run as child executions, and a poisoned child does not fail its neighbours', async () => {
    const { described, states, sfn, arn } = await runScenario({ count: 41, poisoned: 17 });
    expect(described['status']).toBe('SUCCEEDED');
    expect(states).toEqual(['PlanRun', 'FewOrMany', 'RunManyJobs', 'FinishRun']);
    const started = (await sfn.history(arn)).find(({ type }) => type === 'MapRunStarted');
    const mapRunArn = textOf(started?.['mapRunStartedEventDetails'] as JsonObject, 'mapRunArn');
    const { executions } = (await sfn.call('ListExecutions', { mapRunArn, maxResults: 1000 })) as unknown as { executions: JsonObject[] };
    expect(executions).toHaveLength(41);
    expect(new Set(executions.map(({ status }) => status))).toEqual(new Set(['SUCCEEDED']));
    const visited = await Promise.all(
      executions.map(async ({ executionArn }) => entered(await sfn.history(executionArn as string)).join()),
    );
    expect(visited.filter((path) => path === 'RunManyJob,CloseManyJob')).toHaveLength(1);
    expect(visited.filter((path) => path === 'RunManyJob')).toHaveLength(40);
  });

  test('a run that is driven elsewhere is left alone', async () => {
    const { described, states } = await runScenario({ count: 3, alreadyDriven: true });
    expect(described['status']).toBe('SUCCEEDED');
    expect(states).toEqual(['PlanRun', 'FewOrMany', 'AlreadyDriven']);
  });

  test('a run that cannot be planned is closed, and its execution fails as RunAborted', async () => {
    const { described, states, calls } = await runScenario({ count: -1 });
    expect(described).toMatchObject({ status: 'FAILED', error: 'RunAborted' });
    expect(states).toEqual(['PlanRun', 'CloseRun', 'RunAborted']);
    expect(count(calls, '${CloseRunFunctionArn}')).toBe(1);
  });
});

describe.runIf(SKETCHES_ARE_HERE)('the watch machine', () => {
  test('polls until the run has ended, over as many executions as the history limit asks for', async () => {
    let polls = 0;
    const sfn = harness((): ReturnType<Script> => returned({ delaySeconds: 10, ended: ++polls === 1600 } satisfies Json));
    const watch = await sfn.create(machine('watch'), 'watch');
    await sfn.start(watch, { runId: 'r1', chunk: 1, delaySeconds: 10 }, 'r1-w1');
    await sfn.clock.runUntilIdle();
    const { executions } = (await sfn.call('ListExecutions', { stateMachineArn: watch })) as unknown as { executions: JsonObject[] };
    expect(executions.map(({ name, status }) => [name, status])).toEqual([
      ['r1-w2', 'SUCCEEDED'],
      ['r1-w1', 'SUCCEEDED'],
    ]);
    expect(polls).toBe(1600);
    expect(sfn.clock.nowMs() - Date.parse('2026-03-01T00:00:00Z')).toBe(16_000_000);
    expect((await sfn.history(textOf(executions[1] ?? {}, 'executionArn'))).length).toBeLessThan(25_000);
  });
});
