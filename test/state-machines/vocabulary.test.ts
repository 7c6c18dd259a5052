/** The machines, the functions and the faults use the same words (house rules of state machines: docs/architecture.md). */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import {
  errorProblems,
  fanOutProblems,
  functionProblems,
  machine,
  MACHINES,
  payloadProblems,
  placed,
  placeholders,
  shapeProblems,
  taskProblems,
  textOf,
  type Machine,
  type MachineName,
  type Surroundings,
} from './machine.ts';

interface Deployed {
  readonly Resources: Readonly<
    Record<string, { readonly Properties: { readonly DefinitionSubstitutions?: Readonly<Record<string, string>> } }>
  >;
}

const quietly = { logLevel: 'silent' } as const;
const serverless = parse(readFileSync('serverless.yml', 'utf8'), quietly) as {
  readonly functions: Readonly<Record<string, { readonly handler: string }>>;
};
const infra = parse(readFileSync('infra/state-machines.yml', 'utf8'), quietly) as Deployed;
const resourceOf: Readonly<Record<MachineName, string>> = {
  run: 'RunStateMachine',
  watch: 'WatchStateMachine',
  nudge: 'NudgeStateMachine',
};

function surroundings(name: MachineName): Surroundings {
  const substitutions = infra.Resources[resourceOf[name]]?.Properties.DefinitionSubstitutions ?? {};
  return { functions: Object.keys(serverless.functions), substitutions: Object.keys(substitutions) };
}

/** The successor of a watch loop is started by the ARN in the context object, hence needs no placeholder of its own. */
describe.each(MACHINES)('%s.asl.json', (name) => {
  const all = machine(name);

  test('invokes functions that have a folder, an entry in serverless.yml and a substitution', () => {
    expect(functionProblems(all, surroundings(name))).toEqual([]);
  });

  test('has every placeholder substituted, and nothing is substituted that it does not ask for', () => {
    expect(placeholders(all).toSorted()).toEqual([...surroundings(name).substitutions].toSorted());
  });

  test('substitutes for each placeholder the ARN of the function of its name', () => {
    const given = infra.Resources[resourceOf[name]]?.Properties.DefinitionSubstitutions ?? {};
    for (const [placeholder, resource] of Object.entries(given))
      expect(resource).toBe(`${placeholder.replace(/FunctionArn$/, '')}LambdaFunction.Arn`);
  });

  test('names no error that nobody throws, and retries none that cannot heal', () => {
    expect(errorProblems(all)).toEqual([]);
  });

  test('has a retry and a time-out on every task', () => {
    expect(taskProblems(all)).toEqual([]);
  });

  test('lets no child fail its fan-out, also not by what closes a failed child', () => {
    expect(fanOutProblems(all)).toEqual([]);
  });

  test('passes ids and faults between states, never state', () => {
    expect(payloadProblems(all)).toEqual([]);
  });

  test('has every state once, all of them reached, and no end of its own by time', () => {
    expect(shapeProblems(all)).toEqual([]);
  });
});

describe('the two fan-outs', () => {
  /** The same children but for the names of their states, which are unique in a machine. */
  test('do the same for a job, inline and distributed', () => {
    const { RunJobs, RunManyJobs } = machine('run').States;
    const spelt = (states: unknown): string => JSON.stringify(states).replaceAll('ManyJob', 'Job');
    expect(spelt(RunManyJobs?.ItemProcessor?.States)).toBe(spelt(RunJobs?.ItemProcessor?.States));
  });
});

describe('a time-out of a task', () => {
  test('is longer than its function lives, so that no invocation goes on unseen', () => {
    const { provider, functions } = parse(readFileSync('serverless.yml', 'utf8'), quietly) as {
      readonly provider: { readonly timeout: number };
      readonly functions: Readonly<Record<string, { readonly timeout?: number }>>;
    };
    for (const name of MACHINES)
      for (const { name: state, state: task } of placed(machine(name))) {
        const invoked = /^\$\{(\w)(\w+)FunctionArn\}$/.exec(task.Arguments?.FunctionName ?? '');
        if (!invoked) continue;
        const lives = functions[`${(invoked[1] ?? '').toLowerCase()}${invoked[2] ?? ''}`]?.timeout ?? provider.timeout;
        expect([state, (task.TimeoutSeconds ?? 0) > lives]).toEqual([state, true]);
      }
  });
});

describe('a slip of the pen', () => {
  const run = textOf('run');
  const mutated = (from: string | RegExp, to: string): Machine => {
    const text = run.replace(from, to);
    expect(text).not.toBe(run);
    return JSON.parse(text) as Machine;
  };
  const around = surroundings('run');

  test.each([
    ['a misspelt state name', '"Next": "CloseJob"', '"Next": "CloseJop"', shapeProblems, 'there is no state CloseJop'],
    ['a state renamed to another one', /"CloseManyJobLeft"/g, '"CloseJobLeft"', shapeProblems, 'two states are called CloseJobLeft'],
    ['a state that nothing leads to', '"Next": "FewOrMany"', '"Next": "FinishRun"', shapeProblems, 'nothing leads to FewOrMany'],
    ['a time-out of the machine', '"StartAt": "PlanRun"', '"TimeoutSeconds": 60, "StartAt": "PlanRun"', shapeProblems, 'time-out'],
    ['a misspelt error', '"StoreBusy"', '"StoreBussy"', errorProblems, 'StoreBussy, which nobody throws'],
    ['a fault that cannot heal among the retried', '"StoreBusy"', '"CorruptItem"', errorProblems, 'retries CorruptItem'],
    ['a retry of everything', '"StoreBusy"', '"States.ALL"', errorProblems, 'retries what cannot heal'],
    ['a task that waits for ever', '"TimeoutSeconds": 2678400,', '', taskProblems, 'RunJob has no TimeoutSeconds'],
    ['a task without retry', /"Retry": (?=\[\s*\{\s*"ErrorEquals": \[\s*"EngineUn)/, '"Comment": ', taskProblems, 'RunJob has no Retry'],
    [
      'a child that catches one error',
      /\["States\.ALL"\](?=[^]{0,400}?"CloseJob")/,
      '["StoreBusy"]',
      fanOutProblems,
      'RunJob does not catch',
    ],
    [
      'a close that fails',
      '"CloseJobLeft": {\n            "Type": "Succeed"',
      '"CloseJobLeft": {\n            "Type": "Fail"',
      fanOutProblems,
      'can fail',
    ],
    ['a child that answers', /"Output": \{\},(?=\s*"End": true)/, '"Output": "{% $states.result %}",', payloadProblems, 'more than {}'],
  ] as const)('is found: %s', (_, from, to, problems: (all: Machine) => readonly string[], told) => {
    expect(problems(machine('run'))).toEqual([]);
    expect(problems(mutated(from, to)).join('; ')).toContain(told);
  });

  test('is found: a function that is not there, one that nobody deploys, one that is not substituted', () => {
    const told = functionProblems(mutated('${CloseJobFunctionArn}', '${CloseJopFunctionArn}'), around);
    expect(told).toEqual([
      'CloseJob: there is no functions/task/close-jop',
      'CloseJob: serverless.yml has no CloseJop',
      'CloseJob: nothing is substituted for CloseJopFunctionArn',
    ]);
    expect(functionProblems(mutated('${CloseJobFunctionArn}', 'closeJob'), around)).toEqual([
      'CloseJob invokes closeJob, which is no placeholder',
    ]);
  });
});
