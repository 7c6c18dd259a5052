/**
 * A Step Functions task: its input parsed, its faults thrown by name so that `ErrorEquals` can match them. What is no fault
 * of ours keeps its own name, which only `States.ALL` catches.
 */
import middy from '@middy/core';
import type { ZodType } from 'zod';
import { Fault } from '#domain/faults';
import { log } from './log.ts';

export type TaskHandler<Result> = (event: unknown) => Promise<Result>;

export function taskHandler<Input, Result>(schema: ZodType<Input>, work: (input: Input) => Promise<Result>): TaskHandler<Result> {
  const handler = middy<unknown, Result>()
    .use({
      onError: ({ error }) => {
        log.warn('task failed', { error: error ?? new Error('no error given') });
      },
    })
    .handler(async (event) => {
      const parsed = schema.safeParse(event);
      if (!parsed.success) throw new Fault('TaskInputInvalid', parsed.error.message);
      return work(parsed.data);
    });
  return (event) => handler(event, {});
}
