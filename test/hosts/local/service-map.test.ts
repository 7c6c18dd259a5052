import { describe, expect, test } from 'vitest';
import { matchRoute, readServiceMap } from '#hosts/local/service-map';

const { routes } = readServiceMap('serverless.yml');
const matched = (path: string): readonly unknown[] => {
  const match = matchRoute(routes, 'GET', path);
  return [match?.route.routeKey, match?.pathParameters];
};

describe('a path', () => {
  test('is the most literal route that it fits', () => {
    expect(matched('/v1/runs/run_1/jobs')).toEqual(['GET /v1/runs/{runId}/jobs', { runId: 'run_1' }]);
    expect(matched('/v1/metrics/daily')).toEqual(['GET /v1/metrics/daily', {}]);
  });

  test('is a whole rest where a route ends in one, decoded once', () => {
    expect(matched('/console/a/b.js')).toEqual(['GET /console/{proxy+}', { proxy: 'a/b.js' }]);
    expect(matched('/console/')).toEqual(['GET /console/{proxy+}', { proxy: '' }]);
    expect(matched('/console/..%2f%252e')).toEqual(['GET /console/{proxy+}', { proxy: '../%2e' }]);
    expect(matched('/console')).toEqual(['GET /console', {}]);
  });

  test('that no route fits, or that is not well encoded, is none', () => {
    expect(matched('/consolex/a')).toEqual([undefined, undefined]);
    expect(matched('/console/%zz')).toEqual([undefined, undefined]);
    expect(matched('/v1/runs/')).toEqual([undefined, undefined]);
  });
});
