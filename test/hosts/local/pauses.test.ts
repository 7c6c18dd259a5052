import { expect, test } from 'vitest';
import { drivenClock } from '#hosts/local/driven-clock';
import { pauses } from '#hosts/local/pauses';

const clockOf = (): ReturnType<typeof drivenClock> => drivenClock(0, () => Promise.resolve());

test('a pause lasts as long as it was asked for, by the clock of the host', async () => {
  const clock = clockOf();
  const pausing = pauses(clock);
  let over = false;
  const paused = pausing.pause(1000).then(() => (over = true));
  await clock.advanceBy(999);
  expect(over).toBe(false);
  await clock.advanceBy(1);
  await paused;
  expect(over).toBe(true);
});

test('when the host stops, every pause breaks off and none begins', async () => {
  const pausing = pauses(clockOf());
  const open = [pausing.pause(1000), pausing.pause(60_000)].map((pause) =>
    expect(pause).rejects.toMatchObject({ message: 'the service is stopping' }),
  );
  pausing.end();
  await Promise.all(open);
  await expect(pausing.pause(1)).rejects.toMatchObject({ name: 'OrchestratorUnavailable', retryable: true });
});
