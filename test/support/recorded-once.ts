/** What the history of a job must look like whatever was killed while it was written. */
import type { HistoryEntryView, JobView } from '#contract/views';
import { nextJobState } from '#domain/job-state';

const ENDS: readonly HistoryEntryView['name'][] = ['finish', 'fail'];

/** Everything that contradicts "this job has ended, and was recorded once"; empty where all is well. */
export function contradictions(job: JobView, history: readonly HistoryEntryView[]): readonly string[] {
  return [
    ...ofJob(job, history.at(-1)),
    ...history.flatMap((entry, index) => ofEntry(entry, history[index - 1], index)),
    ...ofAttempts(job, history),
  ];
}

function ofJob(job: JobView, last: HistoryEntryView | undefined): readonly string[] {
  const found: string[] = [];
  if (job.state !== 'FINISHED' && job.state !== 'FAILED') found.push(`is ${job.state}, which is no end`);
  if (last?.to !== job.state) found.push(`is ${job.state}, but its history ends in ${last?.to ?? 'nothing'}`);
  if (last?.attempt !== job.attempt) found.push(`is at attempt ${job.attempt}, but its history ends at ${last?.attempt ?? 'none'}`);
  if ((job.state === 'FAILED') !== (job.failure !== undefined)) found.push(`is ${job.state} with ${job.failure ? 'a' : 'no'} failure`);
  return found;
}

function ofEntry(entry: HistoryEntryView, before: HistoryEntryView | undefined, index: number): readonly string[] {
  const found: string[] = [];
  const at = `entry ${entry.sequence} (${entry.name})`;
  if (entry.sequence !== index + 1) found.push(`${at} stands at place ${index + 1}`);
  if (!entry['event-id'].endsWith(`#${entry.sequence}`)) found.push(`${at} is called ${entry['event-id']}`);
  if (before === undefined) {
    if (entry.name !== 'create' || entry.from !== null || entry.to !== 'CREATED' || entry.attempt !== 1)
      found.push(`${at} is no beginning`);
    return found;
  }
  if (entry.from !== before.to) found.push(`${at} goes from ${String(entry.from)}, the one before led to ${before.to}`);
  if (nextJobState(before.to, entry.name) !== entry.to) found.push(`${at} leads from ${before.to} to ${entry.to}, which is not allowed`);
  const attempt = entry.name === 'ready' ? before.attempt + 1 : before.attempt;
  if (entry.attempt !== attempt) found.push(`${at} is of attempt ${entry.attempt} instead of ${attempt}`);
  return found;
}

function ofAttempts(job: JobView, history: readonly HistoryEntryView[]): readonly string[] {
  const attempts = Array.from({ length: job.attempt }, (_, index) => index + 1);
  return attempts.flatMap((attempt) => {
    const ends = history.filter((entry) => entry.attempt === attempt && ENDS.includes(entry.name));
    return ends.length === 1 ? [] : [`attempt ${attempt} has ${ends.length} ends: ${ends.map(({ name }) => name).join(', ')}`];
  });
}
