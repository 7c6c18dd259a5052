/** `sluice job outputs`, `index`, `reset` and `delete`: what a reported job leaves behind, and being rid of it. */
import { JobIndexed, JobOutputView, JobReset } from '#contract/job-archives';
import { ReportedJobView } from '#contract/job-views';
import type { Command } from './command.ts';
import { numberFlag } from './flags.ts';
import { REPORTED_JOB, valuesOf } from './job-flags.ts';
import { jsonText } from './json-text.ts';
import { counted, number, table } from './table.ts';
import { take } from './take.ts';

const OUTPUTS_SHOWN = 100;

export const jobOutputs: Command = {
  group: 'job',
  name: 'outputs',
  summary: 'Lists the outputs of a job that reports itself, as its last indexing found them.',
  operands: ['JOB'],
  flags: { limit: { short: 'L', value: 'NUMBER', help: `how many (${OUTPUTS_SHOWN})` } },
  fields: Object.keys(JobOutputView.shape),
  examples: [`sluice job outputs ${REPORTED_JOB}`, `sluice job outputs ${REPORTED_JOB} --json key,checksum`],
  undone: 'the outputs cannot be listed',
  async run({ client, stdout, stderr }, invocation) {
    const [id = ''] = invocation.operands;
    const limit = numberFlag(invocation, 'limit', 1) ?? OUTPUTS_SHOWN;
    const { items, more } = await take(limit, (page) => client.outputs(id, page));
    if (more) stderr.write(`Shown: the first ${limit}; --limit shows more.\n`);
    if (invocation.json) stdout.write(jsonText(items, invocation.json));
    else if (items.length > 0) stdout.write(outputTable(items));
    else {
      const { 'indexed-at': at } = await client.listOutputs(id, { limit: 1 });
      stderr.write(at === undefined ? `The job is not indexed yet: sluice job index ${id}\n` : `Indexed at ${at}: there were none.\n`);
    }
    return 0;
  },
};

function outputTable(outputs: readonly JobOutputView[]): string {
  const columns = [{ title: 'KEY' }, { title: 'BYTES', align: 'right' as const }, { title: 'MODIFIED' }, { title: 'CHECKSUM' }];
  return table(
    columns,
    outputs.map((output) => [output.key, number(output['size-bytes']), output['modified-at'], output.checksum]),
  );
}

export const jobIndex: Command = {
  group: 'job',
  name: 'index',
  summary: 'Lists what lies in the archive of a job that reports itself, and keeps that as its outputs.',
  operands: ['JOB'],
  flags: { pattern: { value: 'REGEX', multiple: true, help: 'which files, by their names (those that it was registered with)' } },
  fields: Object.keys(JobIndexed.shape),
  notes: "The job's id alone goes to stdout. The job has to be FINISHED. What fails on the way leaves it in INDEXING: index it again.",
  examples: [`sluice job index ${REPORTED_JOB}`, `sluice job index ${REPORTED_JOB} --pattern '\\.csv$' --json outputs,size-bytes`],
  undone: 'the job was not indexed',
  async run({ client, stdout, stderr }, invocation) {
    const patterns = valuesOf(invocation, 'pattern');
    const indexed = await client.indexJob(invocation.operands[0] ?? '', patterns.length > 0 ? { patterns } : {});
    const { 'job-id': id, outputs, 'size-bytes': bytes, state } = indexed;
    stderr.write(`${id} is ${state}; ${counted(outputs, 'output')} of ${counted(bytes, 'byte')}.\n`);
    stdout.write(invocation.json ? jsonText(indexed, invocation.json) : `${id}\n`);
    return 0;
  },
};

export const jobReset: Command = {
  group: 'job',
  name: 'reset',
  summary: 'Empties the archive of a job that reports itself, and makes it ready for another attempt.',
  operands: ['JOB'],
  flags: { 'keep-archive': { help: 'leave the files of the attempts so far where they are' } },
  fields: Object.keys(JobReset.shape),
  notes: `The job's id alone goes to stdout. The tokens of the job end with the attempt: sluice job token issues another one. It needs a
token of an administrator.`,
  examples: [`sluice job reset ${REPORTED_JOB}`, `sluice job reset ${REPORTED_JOB} --keep-archive`],
  undone: 'the job was not reset',
  async run({ client, stdout, stderr }, invocation) {
    const reset = await client.resetJob(invocation.operands[0] ?? '', { keepArchive: invocation.has('keep-archive') });
    const { 'job-id': id, state, 'files-removed': removed } = reset;
    stderr.write(
      `${id} is ${state} again; ${counted(removed, 'file was', 'files were')} removed. Its tokens have ended: sluice job token ${id}\n`,
    );
    stdout.write(invocation.json ? jsonText(reset, invocation.json) : `${id}\n`);
    return 0;
  },
};

export const jobDelete: Command = {
  group: 'job',
  name: 'delete',
  summary: 'Deletes a job that reports itself: it is in no list any more, and is removed later.',
  operands: ['JOB'],
  flags: {},
  fields: Object.keys(ReportedJobView.shape),
  notes: `The job's id alone goes to stdout. Its archive stays as it is. A job that is at work is not deleted: send fail, or reset it, first.
It needs a token of an administrator.`,
  examples: [`sluice job delete ${REPORTED_JOB}`],
  undone: 'the job was not deleted',
  async run({ client, stdout, stderr }, invocation) {
    const job = await client.deleteJob(invocation.operands[0] ?? '');
    stderr.write(`${job['job-id']} is deleted; it will be gone at ${job['purge-at'] ?? ''}.\n`);
    stdout.write(invocation.json ? jsonText(job, invocation.json) : `${job['job-id']}\n`);
    return 0;
  },
};
