/** What a start answers, however it came about: by a request, or as a clone of another run. */
import { runStarted } from '#contract/run-views';
import type { NothingStarted } from '#contract/views';
import { counted } from '#domain/counted';
import { escapePointer } from '#domain/parameters';
import { problem, reply, type HttpReply } from './replies.ts';
import type { SetProblem } from '#operations/prepare-run';
import type { StartRunOutcome } from '#operations/start-run';

export interface TypePair {
  readonly sourceType: string;
  readonly targetType: string;
}

/** `accepted` is the status of a start: 202 of ours, 200 of the original's path. A replay answers 200. */
export function started(outcome: StartRunOutcome, accepted: 200 | 202, asked: TypePair): HttpReply {
  switch (outcome.kind) {
    case 'started':
    case 'replayed': {
      const location = `/v1/runs/${outcome.run.id}`;
      return reply(outcome.kind === 'started' ? accepted : 200, runStarted(outcome.run), { location, 'retry-after': '2' });
    }
    case 'all-skipped':
      return reply(200, { status: 'OK', 'run-id': null, 'skipped-sets': outcome.skipped } satisfies NothingStarted);
    case 'in-progress': {
      const busy = problem('request-in-progress', 'the same request is being accepted; repeat it in a moment');
      return { ...busy, headers: { ...busy.headers, 'retry-after': '1' } };
    }
    case 'key-reused':
      return problem('key-reused', `${outcome.earlier.runId} was started under this user-run-id or idempotency key with another body`);
    case 'plan-changed': {
      const changed = problem('plan-changed', 'nothing was started; plan the request again, and look at what has changed');
      return { ...changed, headers: { ...changed.headers, etag: `"${outcome.planHash}"` } };
    }
    case 'no-pattern':
    case 'no-template':
    case 'invalid-sets':
      return unprepared(outcome, asked);
  }
}

type Unprepared = Extract<StartRunOutcome, { kind: 'no-pattern' | 'no-template' | 'invalid-sets' }>;

/** What a request that cannot be started answers, to a plan as to a start. */
export function unprepared(outcome: Unprepared, asked: TypePair): HttpReply {
  switch (outcome.kind) {
    case 'no-pattern': {
      const known = outcome.known.map(({ sourceType, targetType }) => `${sourceType} to ${targetType}`);
      const message = `no pattern joins ${asked.sourceType} to ${asked.targetType}`;
      return problem(
        'no-pattern',
        `${message}; ${known.length > 0 ? `the nearest registered pairs are: ${known.join(', ')}` : 'no pattern is registered yet'}`,
        ['/source-type', '/target-type'].map((pointer) => ({ pointer, rule: 'pattern', message })),
      );
    }
    case 'no-template':
      return problem('no-template', `register ${outcome.templateId} first`);
    case 'invalid-sets':
      return problem(
        'invalid-parameters',
        `${counted(outcome.total, 'value is', 'values are')} not valid; nothing was started`,
        outcome.problems.map(setError),
      );
  }
}

const setError = ({ index, pointer, rule, message }: SetProblem): { pointer: string; rule: string; message: string } => ({
  pointer: `/${escapePointer('runtime-parameters')}/${index}${pointer}`,
  rule,
  message,
});
