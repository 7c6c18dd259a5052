/** From whatever was thrown to the three lines that the user sees, and to the exit code. */
import { ApiError, ServiceUnreachable, UnexpectedAnswer } from '#client/errors';
import type { Problem, ProblemSlug } from '#contract/problems';
import { CommandFailure, UsageError, type ExitCode } from './command.ts';

const PROBLEMS_SHOWN = 20;

const NEXT: Readonly<Record<ProblemSlug, string>> = {
  'malformed-request': 'update this command line: it and the service do not understand each other.',
  'invalid-request': 'correct what is named, and send it again.',
  'malformed-cursor': 'start the list again.',
  'not-authenticated': 'give --token or SLUICE_TOKEN, or --data-dir of the local service, whose token file is read.',
  'not-allowed': 'use a token that has this scope.',
  'not-found': 'sluice run list and sluice catalog list show what there is.',
  'request-in-progress': 'send the same command again in a moment: it will name the run.',
  'version-conflict': 'send the same command again.',
  'in-use': 'change or delete the patterns that name it, and let its runs end.',
  'archive-refused': 'correct what is named, in the archive or in the patterns, and send the same command again.',
  'no-archives': 'set SLUICE_ARCHIVE_ROOT for the service; a reset can also keep the archive.',
  'name-taken': 'choose another name; sluice token list shows the names that are taken.',
  'last-administrator': 'make another token with the scope admin first, or give --even-if-last.',
  'not-ready': 'send the same command again in a moment.',
  'already-ended': 'sluice run view shows how it ended.',
  'event-refused': 'send one of the events that are allowed now; sluice job history JOB shows what came before.',
  'job-deleted': 'other data makes another job; the deleted one goes when its time is over.',
  'job-at-work': 'end it first: sluice job event JOB fail, or sluice job reset JOB.',
  'nothing-to-retry': 'sluice run view shows the jobs of the run.',
  'plan-changed': 'plan again, and look at what has changed.',
  'invalid-event': 'correct what is named, and send it again.',
  'invalid-selection': 'sluice run view shows which jobs failed; name only those.',
  'precondition-failed': 'look at the newest version (sluice catalog view), and decide again.',
  'request-too-large': 'split the parameter sets over several runs.',
  'unsupported-media-type': 'update this command line: it and the service do not understand each other.',
  'no-pattern': 'sluice catalog list shows the registered pairs; sluice catalog apply DIR registers more.',
  'no-template': 'register the template first: sluice catalog apply DIR.',
  'invalid-parameters': 'correct the named values; sluice catalog list --json templates shows what a template takes.',
  'invalid-template': 'correct what is named, and apply the catalog again.',
  'key-reused': 'use another --user-run-id (or --idempotency-key, or --id of an event), or send exactly what was sent before.',
  unavailable: 'send the same command again in a moment.',
  fault: 'look into the log of the service.',
};

/** The three lines of a refusal. */
function refusal(what: string, problem: Problem): CommandFailure {
  const slug = problem.type.replace('/problems/', '');
  const next = Object.hasOwn(NEXT, slug) ? NEXT[slug as ProblemSlug] : 'look at the service.';
  return new CommandFailure(exitCodeOf(problem.status), { what, why: reasons(problem), next });
}

function reasons({ title, detail, errors = [], 'request-id': requestId }: Problem): string {
  const shown = errors.slice(0, PROBLEMS_SHOWN).map(({ pointer, rule, message }) => `\n  ${pointer}: ${message} (${rule})`);
  const more = errors.length > PROBLEMS_SHOWN ? `\n  … and ${errors.length - PROBLEMS_SHOWN} more` : '';
  const named = requestId === undefined || detail.includes(requestId) ? '' : ` (request ${requestId})`;
  return `${title}; ${detail}${named}${shown.join('')}${more}`;
}

function exitCodeOf(status: number): ExitCode {
  if (status === 401 || status === 403) return 4;
  return status === 429 || status >= 500 ? 70 : 2;
}

/** `what` did not happen; `help` is the command that explains the command line. */
export function failureOf(error: unknown, { what, help }: { readonly what: string; readonly help: string }): CommandFailure {
  if (error instanceof CommandFailure) return error;
  if (error instanceof UsageError)
    return new CommandFailure(2, { what, why: error.message, next: error.next ?? `${help} explains the command.` });
  if (error instanceof ApiError) return refusal(what, error.problem);
  if (error instanceof ServiceUnreachable) {
    return new CommandFailure(70, {
      what,
      why: error.message,
      next: 'start the service (npm start, or sluice serve), or give its address with --url or SLUICE_URL.',
    });
  }
  if (error instanceof UnexpectedAnswer) {
    return new CommandFailure(70, { what, why: error.message, next: 'give the address of the service with --url or SLUICE_URL.' });
  }
  const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CommandFailure(70, { what, why, next: 'this is a bug of sluice: report it with the lines above.' });
}

export function failureText({ what, why, next }: CommandFailure): string {
  return `sluice: ${what}.\nWhy:${/^\s/.test(why) ? '' : ' '}${why}\nNext: ${next}\n`;
}
