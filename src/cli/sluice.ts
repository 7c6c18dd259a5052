/** The command line: finds the command, gives it what it needs, turns what it throws into three lines and an exit code. */
import type { Pace } from '#client/pace';
import { sluiceClient } from '#client/sluice-client';
import { catalogDelete } from './catalog-delete.ts';
import { catalogExport, catalogView } from './catalog-view.ts';
import { catalogApply, catalogList } from './catalog.ts';
import { UsageError, type Command, type Context, type ExitCode } from './command.ts';
import { connectionOf, type Environment } from './connection.ts';
import { doctor } from './doctor.ts';
import { failureOf, failureText } from './failures.ts';
import { parseInvocation } from './flags.ts';
import { commandHelp, groupHelp, overview } from './help.ts';
import { jobDelete, jobIndex, jobOutputs, jobReset } from './job-archive.ts';
import { jobCancel, jobSetHistory } from './job-changes.ts';
import { jobListing } from './job-list.ts';
import { jobMetrics } from './job-metrics.ts';
import { jobRegister, jobToken } from './job-register.ts';
import { jobEvent, jobWait } from './job-reporting.ts';
import { jobHistory, jobParams, jobView } from './job.ts';
import { metricsDaily, metricsListing } from './metrics.ts';
import { runCancel } from './run-cancel.ts';
import { runClone } from './run-clone.ts';
import { runListing } from './run-list.ts';
import { runPlan } from './run-plan.ts';
import { runRetry } from './run-retry.ts';
import { runStart } from './run-start.ts';
import { runView } from './run-view.ts';
import { runWatch } from './run-watch.ts';
import { tokenCreate, tokenList, tokenRevoke } from './token-changes.ts';
import { tokenShow } from './token.ts';

const COMMANDS: readonly Command[] = [
  runPlan,
  runStart,
  runListing,
  runView,
  runWatch,
  runCancel,
  runRetry,
  runClone,
  jobView,
  jobHistory,
  jobParams,
  jobMetrics,
  jobSetHistory,
  jobCancel,
  jobRegister,
  jobListing,
  jobToken,
  jobEvent,
  jobWait,
  jobIndex,
  jobOutputs,
  jobReset,
  jobDelete,
  metricsListing,
  metricsDaily,
  catalogApply,
  catalogList,
  catalogView,
  catalogExport,
  catalogDelete,
  doctor,
  tokenShow,
  tokenCreate,
  tokenList,
  tokenRevoke,
];

/** What a process has and a test gives. */
export interface Surroundings extends Omit<Context, 'client' | 'token' | 'jobToken'> {
  readonly environment: Environment;
  readonly fetch?: typeof fetch;
  readonly pace?: Pace;
  /** What runs until it is stopped and needs no service, by the word that starts it. */
  readonly programs?: Readonly<Record<string, (words: readonly string[]) => Promise<ExitCode>>>;
}

export async function sluice(words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { command, rest } = found(words);
  try {
    const program = surroundings.programs?.[words[0] ?? ''];
    if (program) return await program(words.slice(1));
    if (command) return await invoked(command, rest, surroundings);
    return explained(words, surroundings);
  } catch (error) {
    const help = ['sluice', ...(command ? [command.group, command.name] : []), '--help'].join(' ');
    const failure = failureOf(error, { what: command?.undone ?? 'nothing was done', help });
    surroundings.stderr.write(failureText(failure));
    return failure.exitCode;
  }
}

function found(words: readonly string[]): { readonly command: Command | undefined; readonly rest: readonly string[] } {
  const [group, name = '', ...rest] = words;
  const ofGroup = COMMANDS.filter((each) => each.group === group);
  const named = ofGroup.find((each) => each.name === name);
  const ofDefault = { command: ofGroup.find(({ isDefault }) => isDefault), rest: words.slice(1) };
  // A group of one command is that command.
  if (!named && ofGroup.length === 1 && ofDefault.command && name !== 'help') return ofDefault;
  return named || !name.startsWith('-') || isHelp(name) ? { command: named, rest } : ofDefault;
}

const isHelp = (word: string | undefined): boolean => word === '--help' || word === '-h' || word === 'help';

async function invoked(command: Command, words: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const invocation = parseInvocation(command, words);
  if (invocation.has('help')) {
    surroundings.stdout.write(commandHelp(command));
    return 0;
  }
  const { url, token, jobToken } = connectionOf(invocation, surroundings.environment);
  const { fetch, pace } = surroundings;
  const client = sluiceClient({ url, ...(token === undefined ? {} : { token }), ...(fetch ? { fetch } : {}), ...(pace ? { pace } : {}) });
  return command.run({ ...surroundings, client, token, jobToken }, invocation);
}

/** No command: help that was asked for goes to stdout, help that was needed to stderr. */
function explained([group, name]: readonly string[], { stdout, stderr }: Surroundings): ExitCode {
  if (isHelp(group)) {
    stdout.write(overview(COMMANDS));
    return 0;
  }
  if (group === undefined) {
    stderr.write(overview(COMMANDS));
    return 2;
  }
  if (!COMMANDS.some((each) => each.group === group)) throw new UsageError(`there is no "${group}"; a group and a command come first`);
  if (isHelp(name)) {
    stdout.write(groupHelp(group, COMMANDS));
    return 0;
  }
  if (name !== undefined) throw new UsageError(`there is no "${group} ${name}"`, `sluice ${group} --help lists the commands.`);
  stderr.write(groupHelp(group, COMMANDS));
  return 2;
}
