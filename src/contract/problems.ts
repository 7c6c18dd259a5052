/**
 * Problem details (RFC 9457). The list is closed: a type has one status and one title, and `/problems/<slug>` is its page.
 */
import * as z from 'zod';
import { JOB_EVENT_NAMES, JOB_STATES } from '#domain/job-state';
import { InstantText } from './instants.ts';

export const PROBLEMS = {
  'malformed-request': { status: 400, title: 'The request cannot be read' },
  'invalid-request': { status: 400, title: 'The request has invalid fields' },
  'malformed-cursor': { status: 400, title: 'The cursor does not belong to this list' },
  'not-authenticated': { status: 401, title: 'A valid token is needed' },
  'not-allowed': { status: 403, title: 'The token does not allow this' },
  'not-found': { status: 404, title: 'There is nothing of that name' },
  'request-in-progress': { status: 409, title: 'The same request is still being accepted' },
  'version-conflict': { status: 409, title: 'Somebody else changed this meanwhile' },
  'not-ready': { status: 409, title: 'It is too early for this' },
  'already-ended': { status: 409, title: 'It has ended already' },
  'event-refused': { status: 409, title: 'The state of the job does not allow this event' },
  'archive-refused': { status: 422, title: 'The archive of the job cannot be used' },
  'no-archives': { status: 409, title: 'Jobs have no archives here' },
  'job-deleted': { status: 409, title: 'The job was deleted' },
  'job-at-work': { status: 409, title: 'The job is at work' },
  'nothing-to-retry': { status: 409, title: 'No job has failed in this way' },
  'plan-changed': { status: 412, title: 'The request would no longer start what was planned' },
  'name-taken': { status: 409, title: 'The name belongs to another one' },
  'last-administrator': { status: 409, title: 'Nobody could administer the service any more' },
  'in-use': { status: 409, title: 'Others still use it' },
  'precondition-failed': { status: 412, title: 'It is not in the version that the request names' },
  'request-too-large': { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be JSON' },
  'no-pattern': { status: 422, title: 'No pattern is registered for this pair of types' },
  'no-template': { status: 422, title: 'The pattern names a template that does not exist' },
  'invalid-parameters': { status: 422, title: 'Some parameter sets are not valid' },
  'invalid-template': { status: 422, title: 'The template cannot be used' },
  'invalid-event': { status: 422, title: 'The request says nothing that could be an event' },
  'invalid-selection': { status: 422, title: 'Some of the named jobs cannot be selected' },
  'key-reused': { status: 422, title: 'The key was used before with another body' },
  unavailable: { status: 503, title: 'Something that is needed does not answer' },
  fault: { status: 500, title: 'The service failed' },
} as const;

export type ProblemSlug = keyof typeof PROBLEMS;

export const ProblemError = z.object({
  /** JSON Pointer into the request's body, or the name of a query parameter or header. */
  pointer: z.string(),
  rule: z.string(),
  message: z.string(),
});
export type ProblemError = z.infer<typeof ProblemError>;

export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  detail: z.string(),
  'request-id': z.string().exactOptional(),
  errors: z.array(ProblemError).exactOptional(),
  /** Of `event-refused`: what was sent, how the job stands, and what it would take instead. */
  'job-id': z.string().exactOptional(),
  'event-id': z.string().exactOptional(),
  name: z.enum(JOB_EVENT_NAMES).exactOptional(),
  'recorded-as': z.enum(JOB_EVENT_NAMES).exactOptional(),
  at: InstantText.exactOptional(),
  state: z.enum(JOB_STATES).exactOptional(),
  sequence: z.number().exactOptional(),
  'allowed-events': z.array(z.enum(JOB_EVENT_NAMES)).exactOptional(),
  /** Of `in-use`: by which patterns and open runs. */
  patterns: z.array(z.object({ 'source-type': z.string(), 'target-type': z.string() })).exactOptional(),
  runs: z.array(z.string()).exactOptional(),
});
export type Problem = z.infer<typeof Problem>;

export function problemOf(slug: ProblemSlug, detail: string, errors?: readonly ProblemError[]): Problem {
  const { status, title } = PROBLEMS[slug];
  return { type: `/problems/${slug}`, title, status, detail, ...(errors ? { errors: [...errors] } : {}) };
}
