import { describe, expect, test } from 'vitest';
import { engineJobName, epochMs, instant, jobId, jobOfEngineJobName, parseJobId, parseRunId, parseTemplateId, runId } from '#domain/ids';

const ULID = '01K8ZQ4E2M3N4P5R6S7T8V9WXY';
const RUN = runId(ULID);

describe('ids', () => {
  test('a run id reads back; what only looks like one does not', () => {
    expect(parseRunId(RUN)).toBe(`run_${ULID}`);
    for (const text of [
      '',
      ULID,
      `run_${ULID}X`,
      `run_${ULID.slice(1)}`,
      `RUN_${ULID}`,
      `run_${ULID.toLowerCase()}`,
      `run_${ULID}\n`,
      `run_${ULID.replace('W', 'U')}`,
      'plan',
    ])
      expect(parseRunId(text)).toBeUndefined();
  });

  test.each([0, 1, 42, 9_999, 10_000, 99_999])('the job id of set %i leads back to its run and index', (index) => {
    const id = jobId(RUN, index);
    expect(id).toMatch(/^job_[0-9A-Z]{26}_\d{5}$/);
    expect(parseJobId(id)).toEqual({ runId: RUN, index });
  });

  test('job ids sort as their sets do', () => {
    const ids = [0, 2, 10, 100, 9_999].map((index) => jobId(RUN, index));
    expect(ids.toSorted()).toEqual(ids);
  });

  test('what is no job id leads nowhere', () => {
    for (const text of ['', RUN, `job_${ULID}`, `job_${ULID}_1`, `job_${ULID}_000001`, `job_${ULID}_00001 `, `job_${ULID}_0000x`])
      expect(parseJobId(text)).toBeUndefined();
  });

  test('the name of an engine job is the same for the same job and attempt, and no other', () => {
    const names = [0, 1].flatMap((index) => [1, 2, 11].map((attempt) => engineJobName({ runId: RUN, index }, attempt)));
    expect(new Set(names).size).toBe(6);
    expect(engineJobName({ runId: RUN, index: 1 }, 2)).toBe(names[4]);
  });

  test('a job is found by the name of an engine job, whatever an engine has made of that', () => {
    const name = engineJobName({ runId: RUN, index: 17 }, 3);
    for (const text of [name, `Nightly - ${name}`, `Nightly - ${name} (2)`, `x_${name}_y`])
      expect(jobOfEngineJobName(text)).toEqual({ runId: RUN, index: 17 });
    for (const text of ['', 'Nightly', name.slice(0, -3), name.replace('job_', 'jop_'), name.toLowerCase()])
      expect(jobOfEngineJobName(text)).toBeUndefined();
  });

  test('a template id is lower case with hyphens, and short enough for a key', () => {
    expect(parseTemplateId('tmpl_http-to-gcs')).toBe('tmpl_http-to-gcs');
    for (const text of ['http-to-gcs', 'tmpl_', 'tmpl_-a', 'tmpl_A', 'tmpl_a#b', 'tmpl_a/b', `tmpl_${'a'.repeat(64)}`])
      expect(parseTemplateId(text)).toBeUndefined();
  });

  test('an instant is UTC with milliseconds, reads back, and sorts as text', () => {
    expect(instant(Date.UTC(2026, 10, 21, 8))).toBe('2026-11-21T08:00:00.000Z');
    const times = [0, 1, 999, 1000, Date.UTC(2026, 0), Date.UTC(9999, 11)];
    expect(times.map((ms) => epochMs(instant(ms)))).toEqual(times);
    expect(times.map(instant).toSorted()).toEqual(times.map(instant));
  });
});
