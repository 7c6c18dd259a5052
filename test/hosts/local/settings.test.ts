import { describe, expect, test } from 'vitest';
import { helpOf, parseSettings } from '#hosts/local/settings';

const told = (args: readonly string[], environment: Readonly<Record<string, string>> = {}): string => {
  const parsed = parseSettings(args, environment);
  return parsed.kind === 'invalid' ? parsed.message : parsed.kind;
};

describe('what is wrong is told under the name that it was given by', () => {
  test.each([
    [['--port', 'abc'], '--port: must be a whole number from 0 to 65535'],
    [['--port', '70000'], '--port: must be a whole number from 0 to 65535'],
    [['--port='], '--port: must be a whole number from 0 to 65535'],
    [['--port', '0x10'], '--port: must be a whole number from 0 to 65535'],
    [['--parallel', '0'], '--parallel: must be a whole number from 1 to 64'],
    [['--poll-floor-seconds', '1.5'], '--poll-floor-seconds: must be a whole number of at least 1'],
    [['--dynamodb-endpoint', 'nonsense'], '--dynamodb-endpoint: must be a URL: http://127.0.0.1:8000'],
    [['--dynamodb-endpoint', 'file:///x'], '--dynamodb-endpoint: must be a URL: http://127.0.0.1:8000'],
    [['--engine-limits', '{x'], '--engine-limits: must be a JSON object of engines'],
    [['--frobnicate'], "Unknown option '--frobnicate'"],
    [['-x'], "Unknown option '-x'"],
    [['extra'], "Unexpected argument 'extra'. This command does not take positional arguments"],
    [
      ['--port', 'abc', '--parallel', '0'],
      '--port: must be a whole number from 0 to 65535\n--parallel: must be a whole number from 1 to 64',
    ],
  ])('%j', (args, message) => {
    expect(told(args)).toBe(message);
  });

  test('a variable of the environment, unless a flag takes its place', () => {
    expect(told([], { SLUICE_PORT: 'abc' })).toBe('SLUICE_PORT: must be a whole number from 0 to 65535');
    expect(told(['--port', '1'], { SLUICE_PORT: 'abc' })).toBe('settings');
    expect(told([], { SLUICE_PORT: '' })).toBe('settings');
  });
});

test('what is given is taken, and the rest is as the help says', () => {
  const parsed = parseSettings(['--port', '0', '--parallel', '64'], { SLUICE_POLL_FLOOR_SECONDS: '7' });
  expect(parsed).toMatchObject({ kind: 'settings', settings: { port: 0, parallel: 64, pollFloorSeconds: 7, host: '127.0.0.1' } });
  expect(parseSettings([], {})).toMatchObject({ settings: { port: 8888, parallel: 2, pollFloorSeconds: 2 } });
  expect(helpOf('sluice serve')).toMatch(/^ {2}sluice serve \[flags\]$/m);
});
