import { describe, expect, test } from 'vitest';
import { attemptEnd, careDeadlineSeconds, isCareDue, judged, type Aftercare, type EndedJob } from '#domain/attempt-end';
import { engineJobId } from '#domain/ids';
import { at } from './builders.ts';

const COUNTS = { inputRecordCount: 3, outputRecordCount: 2, errorRecordCount: 1 };
const ENDED: EndedJob = {
  attempt: 1,
  engineJobId: engineJobId('e1'),
  acknowledge: false,
  remove: false,
  settleSeconds: 60,
  now: at(0),
};
const CARE: Aftercare = { attempt: 1, engineJobId: engineJobId('e1'), endedAt: at(0), collect: true };

describe('the end of an attempt', () => {
  // prettier-ignore
  test.each<readonly [string, Partial<EndedJob>, object]>([
    ['with settled counts leaves nothing to do', { metrics: COUNTS }, { metrics: COUNTS }],
    ['with provisional counts has them, and waits for better ones', { metrics: { ...COUNTS, provisional: true } },
      { metrics: COUNTS, standing: { state: 'pending' }, aftercare: CARE }],
    ['without counts waits for them', {}, { standing: { state: 'pending' }, aftercare: CARE }],
    ['on an engine that could not be asked waits, also where the engine’s counts never come late', { settleSeconds: 0, fault: 'away' },
      { standing: { state: 'pending' }, aftercare: CARE }],
    ['with provisional counts of an engine whose counts never change has them as they are', { settleSeconds: 0, metrics: { ...COUNTS, provisional: true } },
      { metrics: COUNTS, standing: { state: 'provisional' } }],
    ['that the engine does not know has no counts for that reason', { unknown: 'gone' }, { standing: { state: 'unavailable', reason: 'gone' } }],
    ['as a failure is to be acknowledged', { metrics: COUNTS, acknowledge: true },
      { metrics: COUNTS, aftercare: { attempt: 1, engineJobId: 'e1', endedAt: at(0), acknowledge: true } }],
    ['of a job that is to be removed is followed by that', { metrics: COUNTS, remove: true },
      { metrics: COUNTS, aftercare: { attempt: 1, engineJobId: 'e1', endedAt: at(0), remove: true } }],
  ])('%s', (_, change, expected) => {
    expect(attemptEnd({ ...ENDED, ...change })).toEqual(expected);
  });
});

describe('an answer about counts', () => {
  const asked = { ageSeconds: 20, settleSeconds: 60 };
  test('that came before is better than none at the end, and worse than a new one', () => {
    const known = { ...COUNTS, inputRecordCount: 1 };
    expect(judged({}, { ...asked, known })).toEqual({ metrics: known, standing: { state: 'pending' } });
    expect(judged({}, { ...asked, ageSeconds: 60, known })).toEqual({ metrics: known, standing: { state: 'provisional' } });
    expect(judged({ metrics: COUNTS }, { ...asked, known })).toEqual({ metrics: COUNTS });
  });

  test('that could not be had is waited for an hour longer', () => {
    expect(judged({ fault: 'away' }, { ...asked, ageSeconds: 3659 }).standing?.state).toBe('pending');
    expect(judged({ fault: 'away' }, { ...asked, ageSeconds: 3660 }).standing).toEqual({
      state: 'unavailable',
      reason: 'the engine could not be asked: away',
    });
  });
});

describe('the times of aftercare', () => {
  const timesOf = (care: Aftercare, settleSeconds: number, until: number): readonly number[] => {
    const times: number[] = [];
    for (let now = 0; now < until;) {
      now += careDeadlineSeconds(care, settleSeconds, at(now));
      times.push(now);
    }
    return times;
  };

  test('double, up to an hour, and have the engine’s limit among them where counts are waited for', () => {
    expect(timesOf(CARE, 60, 300)).toEqual([10, 20, 40, 60, 80, 160, 320]);
    const { collect: _no, ...told } = { ...CARE, acknowledge: true as const };
    expect(timesOf(told, 60, 300)).toEqual([10, 20, 40, 80, 160, 320]);
    expect(timesOf(told, 60, 12_000).slice(-3)).toEqual([5120, 8720, 12_320]);
  });

  test('are met once each, whenever ticks come', () => {
    const due = (lookedAt: number | undefined, now: number): boolean =>
      isCareDue(CARE, 60, lookedAt === undefined ? undefined : at(lookedAt), at(now));
    expect([due(undefined, 0), due(-5, 0), due(-5, 7)]).toEqual([true, true, true]);
    expect([due(0, 9), due(0, 10), due(9, 11), due(11, 19), due(11, 100)]).toEqual([false, true, true, false, true]);
    let met = 0;
    for (let now = 1; now <= 100; now += 1) met += due(now - 1, now) ? 1 : 0;
    expect(met).toBe([10, 20, 40, 60, 80].length);
  });
});
