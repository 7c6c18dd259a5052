/**
 * How a job of Control Hub's stands, in the words of the engine port. The rules are those of the contract, §2.3; where it leaves open
 * how an INACTIVE came about, the pipelines that ran for the job tell.
 *
 *   INACTIVE, its run not begun             queued      just created, or the status of before the start
 *   INACTIVE, not RED                       succeeded   stopped: its pipelines say so; failed: an error that was acknowledged
 *   INACTIVE RED                            failed      stopped: it was forced
 *   INACTIVE_ERROR, ACTIVATION_ERROR        failed
 *   ACTIVATING                              queued
 *   ACTIVE, a pipeline has begun            running     RED: with a warning
 *   ACTIVE RED, none has                    queued      with a warning: waiting for an engine, as a rule
 *   DEACTIVATING                            running
 *   anything else                           running     with a warning that names it
 */
import type { EngineJobStatus } from '#domain/engine-job';
import { bounded } from './error-text.ts';
import { isSet, type HubStatus } from './wire.ts';

/** What Control Hub writes into a job that was stopped by force. [job-template-service §3] */
const FORCED = 'JOBRUNNER_64';
/** Of an engine's pipeline. [C:OSS PipelineStatus] */
const NOT_BEGUN: readonly string[] = ['EDITED', 'STARTING', 'STARTING_ERROR', 'START_ERROR', 'CONNECTING', 'CONNECT_ERROR', 'DELETED'];
const STOPPED: readonly string[] = ['STOPPED', 'STOPPING', 'KILLED'];
const IN_ERROR: readonly string[] = ['START_ERROR', 'STARTING_ERROR', 'RUN_ERROR', 'RUNNING_ERROR', 'STOP_ERROR', 'STOPPING_ERROR'];

export function engineStatus(status: HubStatus): EngineJobStatus {
  switch (status.status) {
    case 'INACTIVE':
      return isBegun(status) ? inactive(status) : { state: 'queued' };
    case 'INACTIVE_ERROR':
    case 'ACTIVATION_ERROR':
      return withMessage('failed', failureText(status));
    case 'ACTIVATING':
      return { state: 'queued' };
    case 'ACTIVE':
      return active(status);
    case 'DEACTIVATING':
      return { state: 'running' };
    default:
      return { state: 'running', warning: bounded(`Control Hub reports the job as ${status.status}, which is not known here`) };
  }
}

export const hasEnded = ({ status }: HubStatus): boolean => ['INACTIVE', 'INACTIVE_ERROR', 'ACTIVATION_ERROR'].includes(status);

/**
 * Whether the job was ever started. An instance is made for one start, so a run number of 0 says that this one has not shown yet.
 * Where a status has no run number, a start time that is null says the same; one that is not there at all says nothing.
 */
export function isBegun({ runCount, startTime }: HubStatus): boolean {
  if (typeof runCount === 'number') return runCount > 0;
  return startTime === undefined || isSet(startTime);
}

/** An end that came about from outside: what it had to do may be left undone. */
export function wasStopped(status: HubStatus): boolean {
  if (status.errorMessage?.startsWith(FORCED) === true) return true;
  const pipelines = pipelineStates(status);
  return status.color !== 'RED' && pipelines.length > 0 && pipelines.every((state) => STOPPED.includes(state));
}

function inactive(status: HubStatus): EngineJobStatus {
  if (wasStopped(status)) return withMessage('stopped', status.errorMessage ?? undefined);
  if (status.color === 'RED' || isAcknowledgedError(status)) return withMessage('failed', failureText(status));
  return { state: 'succeeded' };
}

/** An error that somebody has acknowledged is grey like a success; its pipeline still says how it ended. */
function isAcknowledgedError(status: HubStatus): boolean {
  const pipelines = pipelineStates(status);
  return hasText(status.errorMessage) && pipelines.length > 0 && pipelines.every((state) => IN_ERROR.includes(state));
}

function active(status: HubStatus): EngineJobStatus {
  const pipelines = pipelineStates(status);
  const hasBegun = pipelines.length === 0 ? status.color !== 'RED' : pipelines.some((state) => !NOT_BEGUN.includes(state));
  const state = hasBegun ? 'running' : 'queued';
  if (status.color !== 'RED') return { state };
  const told = (status.warnings ?? []).filter(hasText).join('; ') || status.errorMessage;
  return { state, warning: bounded(hasText(told) ? told : 'Control Hub shows the job in red') };
}

/** Undefined where the status does not say why. */
export function failureText({ errorMessage, pipelineStatus }: HubStatus): string | undefined {
  if (hasText(errorMessage)) return errorMessage;
  return pipelineStatus?.map(({ message }) => message).find(hasText);
}

const pipelineStates = ({ pipelineStatus }: HubStatus): readonly string[] => (pipelineStatus ?? []).flatMap(({ status }) => status ?? []);

const hasText = (text: string | null | undefined): text is string => typeof text === 'string' && text.trim() !== '';

const withMessage = (state: EngineJobStatus['state'], message: string | undefined): EngineJobStatus =>
  hasText(message) ? { state, message: bounded(message) } : { state };
