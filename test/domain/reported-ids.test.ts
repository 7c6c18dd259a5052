import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseReportedJobId } from '#domain/ids';
import { pythonJson } from '#domain/python-json';
import { archivePath, pipelineUuid, reportedJobId } from '#domain/reported-ids';
import { typedUuid, type Sha1 } from '#domain/typed-uuid';

const sha1: Sha1 = (bytes) => createHash('sha1').update(bytes).digest();

const PARAMETERS = { param1: 'value1', param2: 1, param3: true, param4: [1, 2, 3], param5: ['a', 'b', 'c'] };
const FIXTURE = { pipeline: '10650844-1baa-55c5-a481-5e945b19c065', parents: ['10483e8d-6602-532a-8941-176ce20dd05a'] };
const EXPERIMENT = { pipeline: '106c46ff-8186-5756-a934-071f4497b58d', parents: ['102e95e6-67a8-5a06-9484-3131c6907890'] };

/** The recomputed vectors of contracts/pipeline-jobs.md §7.2. */
describe('the id of a reported job', () => {
  test.each([
    ['experiment', 'experiment.tacc.10001', '102e95e6-67a8-5a06-9484-3131c6907890'],
    ['sample', 'sample.tacc.20001', '103246e1-bcdf-5b6e-a8dc-4c7e81b91141'],
  ] as const)('a typed UUID of a name (%s %s) is that of the contract', (type, name, expected) => {
    expect(typedUuid(sha1, type, name)).toBe(expected);
  });

  test.each([
    [FIXTURE, PARAMETERS, '107b93f3-1eae-5e79-8a18-0a480f8aa3a5'],
    [FIXTURE, { ...PARAMETERS, param5: ['a', 'b', 'c', 'd'] }, '107bb52d-6469-54c3-b977-0c22adcae020'],
    [EXPERIMENT, {}, '107a90b7-f083-5167-a63d-41a3bf278bf8'],
    [EXPERIMENT, { alpha: 0.5 }, '1077a959-7163-516a-8fc1-dd11bd958190'],
  ])('is that of the contract: %o, %o', (content, data, expected) => {
    expect(reportedJobId(sha1, { ...content, data })).toBe(expected);
  });

  test('does not depend on the order of the keys of its data', () => {
    const data = Object.fromEntries(Object.entries(PARAMETERS).toReversed());
    expect(reportedJobId(sha1, { ...FIXTURE, data })).toBe('107b93f3-1eae-5e79-8a18-0a480f8aa3a5');
  });

  test('is the same for a pipeline by its name and by the UUID of that name', () => {
    const uuid = pipelineUuid(sha1, 'nightly');
    expect(uuid).toMatch(/^106/);
    expect(pipelineUuid(sha1, uuid)).toBe(uuid);
  });

  test.each(['107b93f3-1eae-5e79-8a18-0a480f8aa3a', '107B93F3-1eae-5e79-8a18-0a480f8aa3a5', '106b93f3-1eae-5e79-8a18-0a480f8aa3a5', ''])(
    '"%s" is none',
    (text) => {
      expect(parseReportedJobId(text)).toBeUndefined();
    },
  );
});

describe('the archive path of a reported job', () => {
  const elements = (path: string): readonly string[] => path.split('/').slice(-3);

  test.each([
    [{}, 'PAVpwrObxp5YjYRvrJOd5yVp'],
    [{ alpha: 0.5 }, '0p5yeV3VR3OELzgoJ5kk6Yxw'],
  ])('ends in the element of its data that the contract has: %o', (data, element) => {
    expect(elements(archivePath(sha1, { ...EXPERIMENT, data }))).toEqual([
      '106c46ff81865756a934071f4497b58d',
      'Db6rzKZnnyA8E5qvwvxjpwZ4',
      element,
    ]);
  });

  test.each([
    [['10483e8d-6602-532a-8941-176ce20dd05a', '104dae4d-a677-5991-ae1c-696d2ee9884e'], '3pGOjjEYq3BZ2DJ6e0jLQqWb'],
    [[], 'BAkwe8wKZY2NgXyBpX8K5R1D'],
  ])('has the element of its parents that the contract has: %o', (parents, element) => {
    expect(elements(archivePath(sha1, { ...EXPERIMENT, parents, data: {} }))[1]).toBe(element);
  });

  test('begins with /products/v2, or with what was asked for', () => {
    expect(archivePath(sha1, { ...EXPERIMENT, data: {} })).toMatch(/^\/products\/v2\//);
    expect(archivePath(sha1, { ...EXPERIMENT, data: {} }, '/mine/of/it')).toMatch(/^\/mine\/of\/it\/106c/);
  });
});

/** Each expected text was printed by Python's json.dumps(value, sort_keys=True, separators=(',', ':')). */
test.each([
  [{ b: 1, a: [true, null, 'x'] }, '{"a":[true,null,"x"],"b":1}'],
  [{ text: 'é\u007f\n"\\/\u{1F600}' }, String.raw`{"text":"\u00e9\u007f\n\"\\/\ud83d\ude00"}`],
  [{ '\uff5e': 1, '\u{1F600}': 2 }, String.raw`{"\uff5e":1,"\ud83d\ude00":2}`],
  [[0.1, 1e-4, 1.5e-5, 1e-7, 123456.789, 1e22, 2 ** 53], '[0.1,0.0001,1.5e-05,1e-07,123456.789,10000000000000000000000,9007199254740992]'],
])('text is written as Python writes it: %o', (value, expected) => {
  expect(pythonJson(value)).toBe(expected);
});
