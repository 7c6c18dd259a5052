/** `sluice job register` and `job token`: jobs that run elsewhere, and what opens a job to whoever reports it. */
import { IssuedTokenView, JobRegistered } from '#contract/job-views';
import type { RegisterJobRequest, TokenRequest } from '#contract/job-requests';
import { CommandFailure, UsageError, type Command, type Context, type Flag, type Invocation } from './command.ts';
import { numberFlag } from './flags.ts';
import { JOB_EVENTS, objectFlag, REPORTED_JOB, valuesOf } from './job-flags.ts';
import { jsonText } from './json-text.ts';

const TOKEN_TO_FILE: Flag = { value: 'FILE', help: 'write the token there, for its owner alone to read, instead of printing it' };

export const jobRegister: Command = {
  group: 'job',
  name: 'register',
  summary: 'Registers a job that runs elsewhere and reports itself; prints its id and its token.',
  operands: ['PIPELINE'],
  flags: {
    data: { short: 'd', value: 'JSON', help: 'what the job is about, a JSON object; @FILE reads a file' },
    parent: { value: 'UUID', multiple: true, help: 'what it was made from' },
    'archive-prefix': { value: 'PATH', help: 'where its files lie below the root of the archives' },
    'archive-pattern': { value: 'REGEX', multiple: true, help: 'which of its files are outputs, by their names (all)' },
    'expect-update-within-seconds': { value: 'SECONDS', help: 'it has failed as lost when nothing was heard of it for so long' },
    deadline: { value: 'TIME', help: 'it has failed as timed-out after that: 2027-01-01T00:00:00Z' },
    'token-file': TOKEN_TO_FILE,
  },
  fields: Object.keys(JobRegistered.shape),
  notes: `Two lines go to stdout, the id and the token, which is not shown again; with --token-file the id alone. PIPELINE is a name or a
typed UUID. The same pipeline, parents and data are the same job: then it is not registered again, the id alone is printed, and what
else was given and differs is named on stderr and not taken over.`,
  examples: [
    `sluice job register align --data '{"sample":"s-1"}' --token-file s-1.token`,
    'sluice job register align --data @sample.json --expect-update-within-seconds 3600 --json job-id,token,callback-url',
  ],
  undone: 'the job was not registered',
  async run(context, invocation) {
    const { client, stdout, stderr } = context;
    const { registered } = await client.registerJob(requestOf(context, invocation));
    const { 'job-id': id, token } = registered;
    if (registered.attached) {
      stderr.write(
        `${id} was registered before and is ${registered.state}; its token is not shown again (another one: sluice job token ${id}).\n`,
      );
      const ignored = registered['not-taken-over'] ?? [];
      if (ignored.length > 0)
        stderr.write(`Not taken over, because it was registered otherwise: ${ignored.join(', ')}. ${remedy(registered)}\n`);
    } else {
      const archive = registered['archive-path'] === undefined ? '' : ` Its archive is ${registered['archive-path']}.`;
      stderr.write(`${id} is registered; its token holds until ${registered['token-expires-at'] ?? ''}.${archive}\n`);
    }
    if (invocation.json) stdout.write(jsonText(registered, invocation.json));
    else stdout.write(`${id}\n`);
    if (token !== undefined) handedOut(context, invocation, id, token);
    return 0;
  },
};

/** Once it runs it stays as it was registered. */
function remedy({ 'job-id': id, state }: JobRegistered): string {
  return state === 'CREATED' ? `To change that: sluice job cancel ${id}, and register it again.` : `What it has: sluice job view ${id}`;
}

function requestOf(context: Context, invocation: Invocation): RegisterJobRequest {
  const data = objectFlag(context, invocation, 'data');
  const [parents, patterns] = [valuesOf(invocation, 'parent'), valuesOf(invocation, 'archive-pattern')];
  const seconds = numberFlag(invocation, 'expect-update-within-seconds', 1);
  const [prefix, deadline] = [invocation.text('archive-prefix'), invocation.text('deadline')];
  return {
    pipeline: invocation.operands[0] ?? '',
    ...(data ? { data } : {}),
    ...(parents.length > 0 ? { parents: [...parents] } : {}),
    ...(prefix === undefined ? {} : { 'archive-prefix': prefix }),
    ...(patterns.length > 0 ? { 'archive-patterns': [...patterns] } : {}),
    ...(seconds === undefined ? {} : { 'expect-update-within-seconds': seconds }),
    ...(deadline === undefined ? {} : { deadline }),
  };
}

export const jobToken: Command = {
  group: 'job',
  name: 'token',
  summary: 'Issues another token of a job and prints it, which nothing can do again.',
  operands: ['JOB'],
  flags: {
    event: { value: 'EVENT', multiple: true, help: 'which events it is for (all that need no administrator)' },
    'expires-in-seconds': { value: 'SECONDS', help: 'how long it holds (72 hours)' },
    'token-file': TOKEN_TO_FILE,
  },
  fields: Object.keys(IssuedTokenView.shape),
  notes: `The token alone goes to stdout. It is for the current attempt: a reset, or a retry by the job's run, ends it. It opens its job and
nothing else.`,
  examples: [
    `sluice job token ${REPORTED_JOB} --token-file s-1.token`,
    `sluice job token ${REPORTED_JOB} --event update --json callback-url`,
  ],
  undone: 'no token was issued',
  async run(context, invocation) {
    const { client, stdout, stderr } = context;
    const events = valuesOf(invocation, 'event').flatMap((value) => value.split(','));
    const unknown = events.find((event) => !JOB_EVENTS.some((name) => name === event));
    if (unknown !== undefined) throw new UsageError(`--event knows no "${unknown}"; it takes ${JOB_EVENTS.join(', ')}`);
    const seconds = numberFlag(invocation, 'expires-in-seconds', 60);
    const request = { ...(events.length > 0 ? { events } : {}), ...(seconds === undefined ? {} : { 'expires-in-seconds': seconds }) };
    const issued = await client.issueJobToken(invocation.operands[0] ?? '', request as TokenRequest);
    stderr.write(`${issued['token-id']} holds until ${issued['token-expires-at']}. Keep the token: it is not shown again.\n`);
    if (invocation.json) stdout.write(jsonText(issued, invocation.json));
    handedOut(context, invocation, issued['job-id'], issued.token);
    return 0;
  },
};

/** To the file that is named, or else to stdout, unless JSON has it already. */
function handedOut({ stdout, writeSecret }: Context, invocation: Invocation, id: string, token: string): void {
  const file = invocation.text('token-file');
  if (file === undefined) {
    if (!invocation.json) stdout.write(`${token}\n`);
    return;
  }
  try {
    writeSecret(file, `${token}\n`);
  } catch (error) {
    const why = error instanceof Error ? error.message : `${file} cannot be written`;
    throw new CommandFailure(2, { what: `the token of ${id} was lost`, why, next: `sluice job token ${id} issues another one.` });
  }
}
