/** A state machine as the checks read it. Each check is a function of a machine, so that a broken copy can show that it bites. */
import { existsSync, readFileSync } from 'node:fs';
import { FAULT_NAMES, RETRYABLE, type FaultName } from '#domain/faults';
import type { Json, JsonObject } from '#domain/json';

export const MACHINES = ['run', 'watch', 'nudge'] as const;
export type MachineName = (typeof MACHINES)[number];

interface Catcher {
  readonly ErrorEquals: readonly string[];
  readonly Next?: string;
  readonly Output?: Json;
}

export interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Arguments?: { readonly FunctionName?: string };
  readonly Retry?: readonly Catcher[];
  readonly Catch?: readonly Catcher[];
  readonly ItemProcessor?: Machine;
  readonly Choices?: readonly { readonly Next: string }[];
  readonly Default?: string;
  readonly Next?: string;
  readonly End?: boolean;
  readonly Output?: Json;
  readonly TimeoutSeconds?: number;
}

export interface Machine {
  readonly StartAt: string;
  readonly TimeoutSeconds?: number;
  readonly States: Readonly<Record<string, State>>;
}

export const textOf = (name: MachineName): string => readFileSync(`state-machines/${name}.asl.json`, 'utf8');
export const machine = (name: MachineName): Machine => JSON.parse(textOf(name)) as Machine;

interface Placed {
  readonly name: string;
  readonly state: State;
  /** The states among which it stands. */
  readonly among: Machine;
  readonly insideMap: boolean;
}

export function placed(all: Machine, insideMap = false): readonly Placed[] {
  return Object.entries(all.States).flatMap(([name, state]) => [
    { name, state, among: all, insideMap },
    ...(state.ItemProcessor ? placed(state.ItemProcessor, true) : []),
  ]);
}

export const kebab = (name: string): string => name.replaceAll(/(?<!^)([A-Z])/g, '-$1').toLowerCase();

const isTask = ({ state }: Placed): boolean => state.Type === 'Task';
const isInvocation = (one: Placed): boolean => isTask(one) && one.state.Resource?.includes(':lambda:invoke') === true;
const functionOf = ({ state }: Placed): string | undefined => /^\$\{(\w+)FunctionArn\}$/.exec(state.Arguments?.FunctionName ?? '')?.[1];

/** What stands outside the machine: functions as serverless.yml spells them, substitutions as infra spells them. */
export interface Surroundings {
  readonly functions: readonly string[];
  readonly substitutions: readonly string[];
}

/** Every invoked function has a folder, an entry and a substitution. Answers what is wrong, in words. */
export function functionProblems(all: Machine, { functions, substitutions }: Surroundings): readonly string[] {
  return placed(all)
    .filter(isInvocation)
    .flatMap((one) => {
      const name = functionOf(one);
      if (name === undefined) return [`${one.name} invokes ${String(one.state.Arguments?.FunctionName)}, which is no placeholder`];
      return [
        ...(existsSync(`functions/task/${kebab(name)}/handler.ts`) ? [] : [`${one.name}: there is no functions/task/${kebab(name)}`]),
        ...(functions.includes(name.charAt(0).toLowerCase() + name.slice(1)) ? [] : [`${one.name}: serverless.yml has no ${name}`]),
        ...(substitutions.includes(`${name}FunctionArn`) ? [] : [`${one.name}: nothing is substituted for ${name}FunctionArn`]),
      ];
    });
}

export const placeholders = (all: Machine): readonly string[] => [...new Set(JSON.stringify(all).match(/(?<=\$\{)\w+(?=\})/g) ?? [])];

const named = (clauses: readonly Catcher[] | undefined): readonly string[] => (clauses ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
const isOurs = (name: string): boolean => !/^(States|Lambda|StepFunctions)\.\w+$/.test(name);

export function errorProblems(all: Machine): readonly string[] {
  return placed(all).flatMap(({ name, state }) => [
    ...[...named(state.Retry), ...named(state.Catch)]
      .filter((error) => isOurs(error) && !(FAULT_NAMES as readonly string[]).includes(error))
      .map((error) => `${name} names ${error}, which nobody throws`),
    ...named(state.Retry)
      .filter((error) => isOurs(error) && error in RETRYABLE && !RETRYABLE[error as FaultName])
      .map((error) => `${name} retries ${error}, which cannot heal`),
    ...named(state.Retry)
      .filter((error) => error === 'States.ALL')
      .map(() => `${name} retries what cannot heal along with what can`),
  ]);
}

export function taskProblems(all: Machine): readonly string[] {
  return placed(all)
    .filter(isTask)
    .flatMap(({ name, state }) => [
      ...(state.Retry === undefined ? [`${name} has no Retry`] : []),
      ...(state.TimeoutSeconds === undefined ? [`${name} has no TimeoutSeconds`] : []),
    ]);
}

/** A failed child of an inline Map fails the whole Map: whatever a child meets must lead to an end that is a success. */
export function fanOutProblems(all: Machine): readonly string[] {
  return placed(all)
    .filter((one) => one.insideMap && isTask(one))
    .flatMap((one) => {
      const last = one.state.Catch?.at(-1);
      if (!last?.ErrorEquals.includes('States.ALL')) return [`${one.name} does not catch everything`];
      return endsWell(one.among, last.Next, new Set()) ? [] : [`${one.name} catches to ${String(last.Next)}, which can fail`];
    });
}

/** Whatever happens from `name` on, it is a success. */
function endsWell({ States }: Machine, name: string | undefined, seen: ReadonlySet<string>): boolean {
  const state = name === undefined ? undefined : States[name];
  if (!state || name === undefined || seen.has(name)) return false;
  const next = (to: string | undefined): boolean => endsWell({ StartAt: '', States }, to, new Set([...seen, name]));
  switch (state.Type) {
    case 'Succeed':
      return true;
    case 'Task': {
      const caught = state.Catch?.at(-1);
      return caught?.ErrorEquals.includes('States.ALL') === true && next(caught.Next) && (state.End === true || next(state.Next));
    }
    default:
      return false;
  }
}

/** No state passes on what it got: data between states is ids, kept in variables. */
export function payloadProblems(all: Machine): readonly string[] {
  const isEmpty = (output: Json | undefined): boolean => JSON.stringify(output) === '{}';
  const silent = new Set(['Choice', 'Wait', 'Fail']);
  return placed(all).flatMap(({ name, state, insideMap }) => [
    ...(silent.has(state.Type) || isEmpty(state.Output) ? [] : [`${name} puts out more than {}`]),
    ...(insideMap || state.Catch === undefined
      ? []
      : state.Catch.filter(({ Output }) => !isEmpty(Output) && JSON.stringify(Object.keys(Output as JsonObject)) !== '["fault"]').map(
          ({ Next }) => `${name} passes more than its fault to ${String(Next)}`,
        )),
  ]);
}

export function shapeProblems(all: Machine): readonly string[] {
  const names = placed(all).map(({ name }) => name);
  return [
    ...(all.TimeoutSeconds === undefined ? [] : ['the machine has a time-out: runs of any length must be possible']),
    ...names.filter((name, index) => names.indexOf(name) !== index).map((name) => `two states are called ${name}`),
    ...reachProblems(all),
  ];
}

/** Every name leads to a state, and every state is led to. */
function reachProblems(all: Machine): readonly string[] {
  const targets = [
    all.StartAt,
    ...Object.values(all.States).flatMap((state) => [
      ...[state.Next, state.Default].flatMap((name) => name ?? []),
      ...(state.Choices ?? []).map(({ Next }) => Next),
      ...(state.Catch ?? []).flatMap(({ Next }) => Next ?? []),
    ]),
  ];
  return [
    ...targets.filter((name) => !(name in all.States)).map((name) => `there is no state ${name}`),
    ...Object.keys(all.States)
      .filter((name) => !targets.includes(name))
      .map((name) => `nothing leads to ${name}`),
    ...Object.values(all.States).flatMap(({ ItemProcessor }) => (ItemProcessor ? reachProblems(ItemProcessor) : [])),
  ];
}
