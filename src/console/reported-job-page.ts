/** A job that reports itself: how it stands, what it left in its archive, and everything that happened to it. */
import { number } from '#client/run-words';
import type { JobOutputsView } from '#contract/job-archives';
import type { ReportedJobView } from '#contract/job-views';
import { chip } from './chip.ts';
import { facts, grid, time } from './parts.ts';
import { h, type Tree } from './tree.ts';

export function reportedJob(job: ReportedJobView, outputs: JobOutputsView): readonly Tree[] {
  return [summary(job), h('section', { 'aria-label': 'Outputs' }, h('h2', {}, 'Outputs'), outputList(outputs))];
}

function summary(job: ReportedJobView): Tree {
  const { failure, data = {}, parents } = job;
  const within = job['expect-update-within-seconds'];
  return facts([
    ['State', chip(job.state)],
    ['Pipeline', job.pipeline],
    ['Attempt', number(job.attempt)],
    ['Last event', job['last-event']],
    ['Failure', failure && `${failure.reason}: ${failure.message}`],
    ['Fails unless heard of by', at(job['due-at'])],
    ['Heard of within', within === undefined ? undefined : `${number(within)} s`],
    ['Deadline', at(job.deadline)],
    ['Parents', parents.length > 0 ? parents.join(', ') : undefined],
    ['Data', Object.keys(data).length > 0 ? JSON.stringify(data) : undefined],
    ['Archive', job['archive-path']],
    ['Withdrawn', at(job['withdrawn-at'])],
    ['Deleted', at(job['deleted-at'])],
    ['Gone at', at(job['purge-at'])],
    ['Registered by', job['registered-by']],
    ['Registered', time(job['created-at'])],
    ['Last change', time(job['updated-at'])],
  ]);
}

const at = (instant: string | undefined): Tree | undefined => (instant === undefined ? undefined : time(instant));

function outputList({ items, 'next-cursor': next }: JobOutputsView): Tree {
  if (items.length === 0)
    return h('p', {}, 'None are listed: its archive has not been indexed since it was last made ready, or was empty.');
  const rows = items.map((output) => ({
    key: output.key,
    cells: [output.key, number(output['size-bytes']), time(output['modified-at']), output.checksum],
  }));
  const caption =
    next === undefined ? 'As the last indexing found them' : `The first ${number(items.length)}, as the last indexing found them`;
  return grid(caption, [{ title: 'File' }, { title: 'Bytes', number: true }, { title: 'Changed' }, { title: 'Checksum' }], rows);
}
