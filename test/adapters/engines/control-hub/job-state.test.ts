import { describe, expect, test } from 'vitest';
import { engineStatus } from '#adapters/engines/control-hub/job-state';
import { decidingOf } from '#adapters/engines/control-hub/runs';
import { HubStatus } from '#adapters/engines/control-hub/wire';

const status = (fields: Readonly<Record<string, unknown>>): HubStatus => HubStatus.parse({ runCount: 1, ...fields });
const pipelines = (...states: readonly string[]): object => ({ pipelineStatus: states.map((each) => ({ status: each })) });
const told = (fields: Readonly<Record<string, unknown>>): string => {
  const { state, message, warning } = engineStatus(status(fields));
  return `${state}${message === undefined ? '' : ` (${message})`}${warning === undefined ? '' : ` !${warning}`}`;
};

describe('how a job stands', () => {
  test.each<[string, Readonly<Record<string, unknown>>, string]>([
    ['INACTIVE GRAY', { status: 'INACTIVE', color: 'GRAY' }, 'succeeded'],
    ['INACTIVE GREEN', { status: 'INACTIVE', color: 'GREEN' }, 'succeeded'],
    ['INACTIVE in a colour that nobody knows', { status: 'INACTIVE', color: 'PURPLE' }, 'succeeded'],
    ['INACTIVE without a colour', { status: 'INACTIVE' }, 'succeeded'],
    ['INACTIVE GRAY, pipeline finished', { status: 'INACTIVE', color: 'GRAY', ...pipelines('FINISHED') }, 'succeeded'],
    ['INACTIVE GRAY, pipeline stopped', { status: 'INACTIVE', color: 'GRAY', ...pipelines('STOPPED') }, 'stopped'],
    [
      'INACTIVE GRAY, one of two pipelines stopped',
      { status: 'INACTIVE', color: 'GRAY', ...pipelines('FINISHED', 'STOPPED') },
      'succeeded',
    ],
    ['INACTIVE RED', { status: 'INACTIVE', color: 'RED', errorMessage: 'disk on fire' }, 'failed (disk on fire)'],
    ['INACTIVE RED without words', { status: 'INACTIVE', color: 'RED' }, 'failed'],
    [
      'INACTIVE RED, the words in its pipeline',
      { status: 'INACTIVE', color: 'RED', pipelineStatus: [{ status: 'RUN_ERROR', message: 'no such host' }] },
      'failed (no such host)',
    ],
    [
      'stopped by force',
      { status: 'INACTIVE', color: 'RED', errorMessage: 'JOBRUNNER_64 - Force stopping job' },
      'stopped (JOBRUNNER_64 - Force stopping job)',
    ],
    [
      'an error that was acknowledged',
      { status: 'INACTIVE', color: 'GRAY', errorMessage: 'disk on fire', ...pipelines('RUN_ERROR') },
      'failed (disk on fire)',
    ],
    ['INACTIVE_ERROR', { status: 'INACTIVE_ERROR', color: 'RED', errorMessage: 'engine died' }, 'failed (engine died)'],
    ['ACTIVATION_ERROR', { status: 'ACTIVATION_ERROR', color: 'RED' }, 'failed'],
    ['ACTIVATING', { status: 'ACTIVATING', color: 'GRAY' }, 'queued'],
    ['ACTIVE GREEN', { status: 'ACTIVE', color: 'GREEN' }, 'running'],
    ['ACTIVE GREEN, pipeline starting', { status: 'ACTIVE', color: 'GREEN', ...pipelines('STARTING') }, 'queued'],
    ['ACTIVE GREEN, pipeline in a state that nobody knows', { status: 'ACTIVE', color: 'GREEN', ...pipelines('WARPING') }, 'running'],
    [
      'ACTIVE RED, queued for resources',
      { status: 'ACTIVE', color: 'RED', warnings: ['JOBRUNNER_72 - Insufficient resources'] },
      'queued !JOBRUNNER_72 - Insufficient resources',
    ],
    ['ACTIVE RED, running', { status: 'ACTIVE', color: 'RED', ...pipelines('RUNNING') }, 'running !Control Hub shows the job in red'],
    ['DEACTIVATING RED', { status: 'DEACTIVATING', color: 'RED' }, 'running'],
    [
      'a status that nobody knows',
      { status: 'HIBERNATING' },
      'running !Control Hub reports the job as HIBERNATING, which is not known here',
    ],
    ['INACTIVE of before the start: no run', { status: 'INACTIVE', color: 'GRAY', runCount: 0 }, 'queued'],
    ['INACTIVE of before the start: no run number, and no start time', { status: 'INACTIVE', runCount: null, startTime: null }, 'queued'],
    ['INACTIVE, and nothing said of runs', { status: 'INACTIVE', runCount: null }, 'succeeded'],
  ])('%s', (_, fields, expected) => {
    expect(told(fields)).toBe(expected);
  });

  test('a field of another type is as if it were not there', () => {
    const odd = { status: 'INACTIVE', color: 7, errorMessage: { a: 1 }, sdcIds: 'x', warnings: [1], pipelineStatus: 'y', runCount: 'two' };
    expect(engineStatus(HubStatus.parse(odd)).state).toBe('succeeded');
    expect(HubStatus.safeParse({ status: 5 }).success).toBe(false);
  });
});

describe('the run that counts', () => {
  const run = (runCount: number, fields: Readonly<Record<string, unknown>>): HubStatus => status({ runCount, ...fields });
  const FINISHED = { status: 'INACTIVE', color: 'GRAY', ...pipelines('FINISHED') };
  const STOPPED = { status: 'INACTIVE', color: 'GRAY', ...pipelines('STOPPED') };
  const ACTIVE = { status: 'ACTIVE', color: 'GREEN' };

  test.each<[string, readonly HubStatus[], number | undefined]>([
    ['is the only one', [run(1, ACTIVE)], 1],
    ['is the first, whoever starts the instance again after it has finished', [run(2, ACTIVE), run(1, FINISHED)], 1],
    ['is the first that failed', [run(2, FINISHED), run(1, { status: 'INACTIVE', color: 'RED' })], 1],
    ['goes on where a template was edited: the first was stopped for it', [run(2, ACTIVE), run(1, STOPPED)], 2],
    ['is the last where all were stopped', [run(2, STOPPED), run(1, STOPPED)], 2],
    ['is none where none has begun', [run(0, { status: 'INACTIVE' })], undefined],
  ])('%s', (_, runs, expected) => {
    expect(decidingOf(runs)?.runCount).toBe(expected);
  });
});
