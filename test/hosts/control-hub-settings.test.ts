import { describe, expect, test } from 'vitest';
import { NO_CONTROL_HUB } from '#contract/control-hub-settings';
import { parseConfiguration } from '#hosts/configuration';
import { parseSettings } from '#hosts/local/settings';
import { connectControlHub } from '#hosts/wiring-control-hub';
import { instant, engineJobId } from '#domain/ids';

const given = {
  SLUICE_CONTROL_HUB_URL: 'https://na01.hub.streamsets.com',
  SLUICE_CONTROL_HUB_CREDENTIAL_ID: 'an-id',
  SLUICE_CONTROL_HUB_AUTH_TOKEN: 'ssm:/sluice/dev/control-hub-token',
  SLUICE_CONTROL_HUB_ALLOWED_HOSTS: 'hub.example.com, other.example.com',
  SLUICE_CONTROL_HUB_STATUS_CHUNK: '50',
};
const parsed = {
  ...given,
  SLUICE_CONTROL_HUB_ALLOWED_HOSTS: ['hub.example.com', 'other.example.com'],
  SLUICE_CONTROL_HUB_STATUS_CHUNK: 50,
  SLUICE_CONTROL_HUB_FENCE_SECONDS: 120,
  SLUICE_CONTROL_HUB_METRICS_SETTLE_SECONDS: 180,
};

describe('the settings of Control Hub', () => {
  test('are the same in the environment of a function, in that of a local host, and as its flags', () => {
    expect(parseConfiguration(given)).toMatchObject(parsed);
    const flags = Object.entries(given).flatMap(([name, value]) => [
      `--${name.slice('SLUICE_'.length).toLowerCase().replaceAll('_', '-')}`,
      value,
    ]);
    for (const told of [parseSettings([], given), parseSettings(flags, {})]) {
      expect(told.kind === 'settings' && told.settings.controlHub).toMatchObject(parsed);
    }
  });

  test.each([
    ['auth token', 'SLUICE_CONTROL_HUB_AUTH_TOKEN', 'token'],
    ['webhook secret', 'SLUICE_CONTROL_HUB_WEBHOOK_SECRET', 'secret'],
  ])('the %s itself is refused, with what to give, and not repeated', (_, name, word) => {
    const environment = { [name]: 'eyJhbGciOi.CANARY.x' };
    const told = [
      ((): string => {
        try {
          parseConfiguration(environment);
          return 'accepted';
        } catch (error) {
          return String(error);
        }
      })(),
      JSON.stringify(parseSettings([], environment)),
    ];
    for (const text of told) {
      expect(text).toContain(
        `must say where the ${word} is kept, and not be the ${word}: env:NAME, file:path, ssm:name or secretsmanager:name`,
      );
      expect(text).not.toContain('CANARY');
    }
  });

  test.each([
    'http://na01.hub.streamsets.com',
    'ftp://hub.example.com',
    'na01',
    'https://u:p@hub.example.com',
    'https://hub.example.com/?a=b',
  ])('the address %s is refused', (url) => {
    expect(() => parseConfiguration({ SLUICE_CONTROL_HUB_URL: url })).toThrow('must be the https address of Control Hub');
  });

  test('a fence of nothing is refused: it would say that starts may be repeated', () => {
    expect(() => parseConfiguration({ SLUICE_CONTROL_HUB_FENCE_SECONDS: '0' })).toThrow('SLUICE_CONTROL_HUB_FENCE_SECONDS');
  });
});

test('what is not set up says what is missing where a template is registered, and holds its jobs', async () => {
  const never = (): Promise<never> => Promise.reject(new Error('not asked'));
  const host = {
    clock: { now: () => instant(0), pause: () => Promise.resolve() },
    secrets: { resolve: never, renew: never },
    random: () => 0,
  };
  const engine = connectControlHub({ ...NO_CONTROL_HUB, SLUICE_CONTROL_HUB_CREDENTIAL_ID: 'an-id' }, host);
  expect(await engine.check({})).toMatchObject([{ message: expect.stringContaining('set SLUICE_CONTROL_HUB_AUTH_TOKEN (') as string }]);
  await expect(engine.status([engineJobId('a:b')])).rejects.toMatchObject({ name: 'EngineUnavailable' });
});
