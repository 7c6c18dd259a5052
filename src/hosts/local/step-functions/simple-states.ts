/** Fail, Wait and Choice: the states that need an expression and nobody else. */
import { bindings, evaluateNumber, unexpectedType } from './context.ts';
import type { Thread } from './execution.ts';
import { evaluate, type Template } from './expressions.ts';
import { complete, fail } from './leaving.ts';
import type { ChoiceState, FailState, WaitState } from './machine.ts';
import { record, type Runtime } from './runtime.ts';
import { parseTimestamp } from './timestamps.ts';

export async function beginFail(runtime: Runtime, thread: Thread, { error, cause }: FailState): Promise<void> {
  const { phase } = thread;
  const scope = bindings(runtime.names, thread);
  const failure: { error?: string; cause?: string } = {};
  if (error !== undefined) failure.error = await evaluateText(error, 'Error');
  if (cause !== undefined) failure.cause = await evaluateText(cause, 'Cause');
  if (thread.phase === phase) fail(runtime, thread, failure, 'fail-state');

  async function evaluateText(template: Template, field: string): Promise<string> {
    const value = await evaluate(template, scope);
    if (typeof value !== 'string') throw unexpectedType(template, field, 'string', value);
    return value;
  }
}

export async function beginWait(runtime: Runtime, thread: Thread, { until }: WaitState): Promise<void> {
  const { phase } = thread;
  const scope = bindings(runtime.names, thread);
  let untilMs: number;
  if (until.kind === 'seconds') untilMs = thread.enteredAtMs + (await evaluateNumber(until.value, scope, 'Seconds', 0)) * 1000;
  else {
    const value = await evaluate(until.value, scope);
    if (typeof value !== 'string') throw unexpectedType(until.value, 'Timestamp', 'string', value);
    untilMs = parseTimestamp(value);
  }
  if (thread.phase === phase) record(runtime, thread, { type: 'WaitArmed', untilMs });
}

export async function choose(runtime: Runtime, thread: Thread, state: ChoiceState): Promise<void> {
  const { phase } = thread;
  const scope = bindings(runtime.names, thread);
  for (const [index, rule] of state.rules.entries()) {
    const holds = await evaluate(rule.condition, scope);
    if (typeof holds !== 'boolean') throw unexpectedType(rule.condition, `Choices[${index}]/Condition`, 'boolean', holds);
    if (!holds) continue;
    await complete(runtime, thread, thread.input, rule);
    return;
  }
  if (thread.phase !== phase) return;
  if (state.otherwise === undefined) fail(runtime, thread, { error: 'States.NoChoiceMatched', cause: NO_CHOICE_CAUSE }, 'runtime');
  else await complete(runtime, thread, thread.input, { ...state, next: state.otherwise });
}

const NO_CHOICE_CAUSE = 'Failed to transition out of the state. The state does not point to a next state.';
