/** What callers get wrong, by accident or on purpose: it is told by its place, never a fault of ours, and starts nothing. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Problem } from '#contract/problems';
import { BODY_BYTES, SETS } from '#contract/run-request';
import type { JobView, PageView, RunStarted, RunView } from '#contract/views';
import { endedRun, registerSleep } from '#test/support/journey';
import { rawRequest, type RawAnswer, type RawRequest } from '#test/support/raw-http';
import { startService, type Answer, type Service } from '#test/support/service';
import { systemSleepEngine, type SleepEngine } from '#test/support/sleep-engine';

let service: Service;
let engine: SleepEngine;

beforeAll(async () => {
  engine = systemSleepEngine();
  service = await startService({ engines: { sleep: engine } });
  await registerSleep(service);
  await service.request('PUT', '/v1/templates/tmpl_typed', {
    name: 'Typed',
    engine: 'sleep',
    'target-parameters': { LOADED_BY: 'sluice' },
    'parameters-schema': {
      type: 'object',
      additionalProperties: false,
      required: ['CITY'],
      properties: { CITY: { type: 'string' }, SECONDS: { type: 'number' } },
    },
  });
  await service.request('PUT', '/v1/patterns/typed/nothing', { 'template-id': 'tmpl_typed' });
});
afterAll(async () => {
  await service.close();
});

let names = 0;
const fields = (changes: object = {}): Record<string, unknown> => ({
  'user-id': 'ada',
  'user-run-id': `bad-input-${(names += 1)}`,
  'source-type': 'time',
  'target-type': 'nothing',
  'runtime-parameters': [{ SECONDS: 0 }],
  ...changes,
});
const post = <Body = Problem>(body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer<Body>> =>
  service.request<Body>('POST', '/v1/runs', body, headers);
const raw = (request: Partial<RawRequest>): Promise<RawAnswer> => rawRequest(service, { method: 'POST', path: '/v1/runs', ...request });
const pointers = ({ errors = [] }: Problem): readonly string[] => errors.map(({ pointer, rule }) => `${pointer} ${rule}`);
const slug = ({ type }: Problem): string => type.replace('/problems/', '');
/** The text of a request whose sets are `sets`, written as they are. */
const withSets = (sets: string): string => JSON.stringify(fields({ 'runtime-parameters': 0 })).replace(/0}$/, `${sets}}`);

/** Everything in here is refused: no run is new, and the engine was not asked. */
describe('refused, and nothing is started:', () => {
  const standing = async (): Promise<unknown> => {
    const { body } = await service.request<PageView<RunView>>('GET', '/v1/runs?limit=500');
    return [body.items.length, engine.calls, engine.jobs.size];
  };
  let before: string;
  beforeEach(async () => {
    before = JSON.stringify(await standing());
  });
  afterEach(async () => {
    expect(JSON.stringify(await standing())).toBe(before);
  });

  test.each<[string, string | Uint8Array]>([
    ['no body', ''],
    ['white space alone', ' \n'],
    ['half an object', '{"user-id":'],
    ['a word', 'undefined'],
    ['single quotes', "{'user-id':'ada'}"],
    ['an object and more behind it', `${JSON.stringify(fields())} {}`],
    ['two objects in two lines', `${JSON.stringify(fields())}\n${JSON.stringify(fields())}`],
    ['a comma too many', JSON.stringify(fields()).replace('}]', '},]')],
    ['NaN', withSets('[{"N":NaN}]')],
    ['a control character that is not escaped', withSets('[{"A":"\u0001"}]')],
    ['bytes that are no UTF-8', Buffer.concat([Buffer.from('{"user-id":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')])],
    ['half of a UTF-8 character', Buffer.from(JSON.stringify(fields({ 'user-id': '☃' }))).filter((byte) => byte !== 0x83)],
    ['UTF-16', Buffer.from(JSON.stringify(fields()), 'utf16le')],
  ])('%s is no JSON', async (_, body) => {
    const { status, problem } = await raw({ body });
    expect([status, slug(problem)]).toEqual([400, 'malformed-request']);
  });

  test.each(['null', '7', '"text"', '[]', 'true'])('%s is JSON, but no request', async (body) => {
    const { status, problem } = await raw({ body });
    expect([status, slug(problem)]).toEqual([400, 'invalid-request']);
  });

  test.each([undefined, 'text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'multipart/form-data; boundary=x'])(
    'a body of the type %s',
    async (type) => {
      const { status, problem } = await raw({ body: JSON.stringify(fields()), headers: { 'content-type': type } });
      expect([status, slug(problem)]).toEqual([415, 'unsupported-media-type']);
    },
  );

  const FIELDS = ['user-id', 'user-run-id', 'source-type', 'target-type'];
  test.each(FIELDS.flatMap((field) => [undefined, '', null, 7, true, ['a'], {}, 'x'.repeat(257)].map((value) => [field, value] as const)))(
    'a request whose %s is %j',
    async (field, value) => {
      const { status, body } = await post(fields({ [field]: value }));
      expect([status, slug(body), body.errors?.map(({ pointer }) => pointer)]).toEqual([400, 'invalid-request', [`/${field}`]]);
    },
  );

  test('a request that lacks everything is told everything', async () => {
    const { body } = await post({});
    expect(body.errors?.map(({ pointer }) => pointer)).toEqual([...FIELDS, 'runtime-parameters'].map((field) => `/${field}`));
  });

  test.each<[string, unknown, string]>([
    ['no list', { SECONDS: 0 }, ''],
    ['null', null, ''],
    ['text', '[{}]', ''],
    ['empty', [], ''],
    ['a list of lists', [[]], '/0'],
    ['a list with a number', [{}, 7], '/1'],
    ['a list with null', [{}, {}, null], '/2'],
    [`${SETS + 1} sets`, Array.from({ length: SETS + 1 }, () => ({})), ''],
    ['a set of 64 KB and a byte', [{}, { A: 'x'.repeat(32_763), B: 'x'.repeat(32_765), C: '' }], '/1'],
    ['a value of 32 KB and a byte', [{}, { A: 'x'.repeat(32 * 1024 - 1) }], '/1/A'],
    ['a value of 32 KB in longer characters', [{ A: '☃'.repeat(11_000) }], '/0/A'],
  ])('parameter sets that are %s', async (_, sets, pointer) => {
    const { status, body } = await post(fields({ 'runtime-parameters': sets }));
    expect([status, slug(body)]).toEqual([400, 'invalid-request']);
    expect(body.errors?.map((error) => error.pointer)).toEqual([`/runtime-parameters${pointer}`]);
  });

  test('ten thousand sets that are no objects are told a thousand times, with their number', async () => {
    const { status, body } = await post(fields({ 'runtime-parameters': Array.from({ length: SETS }, () => 7) }));
    expect([status, body.detail, body.errors?.length]).toEqual([400, `${SETS} fields are not valid`, 1000]);
  });

  test('a body of 4 MB and a byte, and one of more than a gateway takes', async () => {
    const text = JSON.stringify(fields());
    for (const bytes of [BODY_BYTES + 1, 10 * 1024 * 1024 + 1]) {
      const { status, problem } = await raw({ body: text + ' '.repeat(bytes - text.length) });
      expect([status, slug(problem)]).toEqual([413, 'request-too-large']);
    }
  });

  test('an unknown pair, which is named with the nearest that are known', async () => {
    const { status, body } = await post(fields({ 'source-type': 'typed', 'target-type': "x' OR '1'='1" }));
    expect([status, slug(body)]).toEqual([422, 'no-pattern']);
    expect(body.detail).toContain('typed to nothing');
    expect(body.detail).toContain("x' OR '1'='1");
    expect(pointers(body)).toEqual(['/source-type pattern', '/target-type pattern']);
  });

  test('parameters that are missing, of another type, unknown or locked: all of all sets at once', async () => {
    const sets = [
      { CITY: 'London' },
      {},
      { CITY: 7 },
      { CITY: 'Paris', 'C/I~T': 1 },
      { CITY: 'Rome', LOADED_BY: 'me' },
      { SECONDS: '1', LOADED_BY: 'me', X: null },
    ];
    const { status, body } = await post(fields({ 'source-type': 'typed', 'runtime-parameters': sets }));
    expect([status, slug(body), body.detail]).toEqual([422, 'invalid-parameters', '8 values are not valid; nothing was started']);
    expect([...pointers(body)].toSorted()).toEqual([
      '/runtime-parameters/1/CITY required',
      '/runtime-parameters/2/CITY type',
      '/runtime-parameters/3/C~1I~0T additionalProperties',
      '/runtime-parameters/4/LOADED_BY locked',
      '/runtime-parameters/5/CITY required',
      '/runtime-parameters/5/LOADED_BY locked',
      '/runtime-parameters/5/SECONDS type',
      '/runtime-parameters/5/X additionalProperties',
    ]);
  });

  test.each<[string, string, string]>([
    ['a field that stands twice', withSets('[{}]').replace('{', '{"user-id":"eve",'), '/user-id duplicate-key'],
    ['a parameter that stands twice', withSets('[{},{"A":1,"B":{"A":2},"A":3}]'), '/runtime-parameters/1/A duplicate-key'],
    ['a key that stands twice in two spellings', withSets('[{"A":{"é":1,"\\u00e9":1}}]'), '/runtime-parameters/0/A/é duplicate-key'],
    ['a key that stands twice in a list', withSets('[{"A":[0,{"/":1,"/":1}]}]'), '/runtime-parameters/0/A/1/~1 duplicate-key'],
    ['__proto__ twice', withSets('[{"__proto__":1,"__proto__":2}]'), '/runtime-parameters/0/__proto__ duplicate-key'],
    ['an integer that no double holds', withSets('[{"ID":9007199254740993}]'), '/runtime-parameters/0/ID number'],
    ['one that is a double and is not written like one', withSets('[{"ID":1152921504606846976}]'), '/runtime-parameters/0/ID number'],
    ['one that is written like a double and is none', withSets('[{"ID":1152921504606847000}]'), '/runtime-parameters/0/ID number'],
    ['a negative one', withSets('[{"ID":[1,-9007199254740993]}]'), '/runtime-parameters/0/ID/1 number'],
    ['1e400', withSets('[{"N":1e400}]'), '/runtime-parameters/0/N number'],
    ['-1e400', withSets('[{"N":-1E+400}]'), '/runtime-parameters/0/N number'],
    ['1e-400', withSets('[{"N":1e-400}]'), '/runtime-parameters/0/N number'],
    ['an integer of a million digits', withSets(`[{"N":${'7'.repeat(1_000_000)}}]`), '/runtime-parameters/0/N number'],
    ['half a character in a value', withSets('[{"A":["\\ud83d"]}]'), '/runtime-parameters/0/A/0 unicode'],
    ['half a character in a key', withSets('[{"\\udc00":1}]'), '/runtime-parameters/0/\udc00 unicode'],
    ['half a character in a field', withSets('[{}]').replace('"ada"', '"\\ud800a"'), '/user-id unicode'],
    ['half a character where nobody looks', withSets('[{}]').replace('{', '{"note":"\\ud800",'), '/note unicode'],
  ])('%s would not be kept as it was sent', async (_, body, error) => {
    const { status, problem } = await raw({ body });
    expect([status, slug(problem), pointers(problem)]).toEqual([400, 'invalid-request', [error]]);
  });

  test.each(['[', '{"a":'])('ten thousand levels of %s', async (opening) => {
    const closing = opening === '[' ? ']' : '}';
    const body = withSets(`[{"A":${opening.repeat(10_000)}1${closing.repeat(10_000)}}]`);
    const { status, problem } = await raw({ body });
    expect([status, slug(problem), problem.errors?.map(({ rule }) => rule)]).toEqual([400, 'invalid-request', ['depth']]);
  });

  test.each(['', ' ', 'x'.repeat(256), 'two words', 'é', 'a\tb', ['a', 'b']])('the Idempotency-Key %j', async (key) => {
    const headers = { 'idempotency-key': typeof key === 'string' ? Buffer.from(key).toString('latin1') : key };
    const { status, problem } = await raw({ body: JSON.stringify(fields()), headers });
    expect([status, slug(problem), pointers(problem)]).toEqual([400, 'invalid-request', ['Idempotency-Key format']]);
  });

  test.each(['HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND'])(
    '%s on a path that does not have it is not found, as API Gateway answers it',
    async (method) => {
      for (const path of ['/v1/runs', '/streamsets/job-template-runner', '/v1/jobs/x'])
        expect((await raw({ method, path, body: '' })).status).toBe(404);
    },
  );

  test.each([
    ['/', 404],
    ['//', 404],
    ['///v1/runs', 404],
    ['//elsewhere/v1/runs', 404],
    ['http://elsewhere/v1/nothing', 404],
    ['*', 404],
    ['/v1/runs/', 404],
    ['/v1//runs', 404],
    ['/V1/RUNS', 404],
    ['/v1/runs/%', 404],
    ['/v1/runs/%zz', 404],
    ['/v1/runs/%ff', 404],
    ['/v1/runs/%ed%a0%80', 404],
    ['/v1/runs/%00', 404],
    ['/v1/runs/../../etc/passwd', 404],
    ['/v1/runs/%2e%2e/%2e%2e/etc/passwd', 404],
    ['/v1/runs/..%2f..%2fetc%2fpasswd', 404],
    ['/v1/patterns/%2f/%23', 404],
    [`/v1/runs/${'x'.repeat(9_000)}`, 404],
    [`/v1/runs?user-id=${'x'.repeat(9_000)}`, 200],
    [`/v1/runs/${'x'.repeat(20_000)}`, 431],
  ])('the path %.40s is answered %i', async (path, expected) => {
    const { status } = await rawRequest(service, { path });
    expect(status).toBe(expected);
  });

  test('headers of more than a gateway takes', async () => {
    expect((await raw({ path: '/v1/runs', headers: { 'x-long': 'x'.repeat(20_000) }, body: JSON.stringify(fields()) })).status).toBe(431);
  });

  test.each(['0', '-1', '1e9', 'abc', '501', '', '1.5', '0x10', '٣', ' 5', '5&limit=6'])('a list with the limit %j', async (limit) => {
    for (const list of ['/v1/runs?', '/v1/patterns?', '/v1/templates?', '/v1/metrics?user-run-id=x&']) {
      const { status, problem } = await rawRequest(service, { path: `${list}limit=${encodeURI(limit)}` });
      expect([list, status, pointers(problem)]).toEqual([list, 400, ['limit range']]);
    }
  });
});

describe('what looks dangerous and is data', () => {
  const parametersOf = async (body: string): Promise<readonly NonNullable<JobView['parameters']>[]> => {
    const { status, text } = await raw({ body });
    expect([status, text]).toEqual([202, expect.any(String)]);
    const started = JSON.parse(text) as RunStarted;
    await endedRun(service, started['run-id']);
    const { body: page } = await service.request<PageView<JobView>>('GET', `/v1/runs/${started['run-id']}/jobs?include=parameters`);
    return page.items.map(({ state, parameters = {} }) => {
      expect(state).toBe('FINISHED');
      return parameters;
    });
  };
  const caller = (value: unknown): object => ({ value, origin: 'caller' });

  test('names that every object has reach the job, with where they came from, and reach nothing else', async () => {
    const set =
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":1}},"prototype":[1],"toString":"t","hasOwnProperty":""}';
    const [parameters = {}] = await parametersOf(withSets(`[${set}]`));
    expect(Object.entries(parameters)).toEqual([
      ['__proto__', caller({ polluted: true })],
      ['constructor', caller({ prototype: { polluted: 1 } })],
      ['prototype', caller([1])],
      ['toString', caller('t')],
      ['hasOwnProperty', caller('')],
    ]);
    expect(({} as { readonly polluted?: unknown }).polluted).toBeUndefined();
  });

  test('a schema may ask for such names, and does not find them where they were not given', async () => {
    const properties = '{"constructor":{"type":"string"},"__proto__":{"type":"number"},"toString":{"type":"string"}}';
    const schema = `{"type":"object","additionalProperties":false,"required":["constructor"],"properties":${properties}}`;
    const document = `{"name":"Names","engine":"sleep","parameters-schema":${schema}}`;
    expect((await raw({ method: 'PUT', path: '/v1/templates/tmpl_names', body: document })).status).toBe(201);
    await service.request('PUT', '/v1/patterns/names/nothing', { 'template-id': 'tmpl_names' });
    const asked = (sets: string): string => withSets(sets).replace('"time"', '"names"');
    const { problem } = await raw({
      body: asked('[{"constructor":"c","__proto__":1},{},{"constructor":1},{"constructor":"c","valueOf":1}]'),
    });
    expect(pointers(problem)).toEqual([
      '/runtime-parameters/1/constructor required',
      '/runtime-parameters/2/constructor type',
      '/runtime-parameters/3/valueOf additionalProperties',
    ]);
    const [parameters = {}] = await parametersOf(asked('[{"constructor":"c","__proto__":1}]'));
    expect(Object.entries(parameters)).toEqual([
      ['constructor', caller('c')],
      ['__proto__', caller(1)],
    ]);
  });

  test('control characters, rare characters and numbers come back equal', async () => {
    const values = {
      CONTROL: Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join(''),
      NUL: 'a\u0000b',
      DELETE: '\u007f\u0080\u2028\u2029\ufeff\uffff',
      SNOWMAN: '☃ 😀 e\u0301 \u202e',
      'NAME\u0000\n\u0085': 1,
      '': 'no name',
      'a/b~c%2F"\\': 'pointer',
      LARGEST: Number.MAX_SAFE_INTEGER,
      POWER: 2 ** 53,
      TWENTY: 1e20,
      SMALL: 5e-324,
      FRACTION: 0.1,
      DEEP: { a: [{ b: [[], {}, null, false] }] },
    };
    const [parameters = {}] = await parametersOf(withSets(JSON.stringify([values])));
    expect(parameters).toEqual(Object.fromEntries(Object.entries(values).map(([key, value]) => [key, caller(value)])));
  });

  test('a fraction is rounded to the nearest double, as everywhere', async () => {
    const [parameters = {}] = await parametersOf(
      withSets('[{"N":0.1000000000000000055511151231257827021181583404541015625,"Z":0e99,"M":-0.0}]'),
    );
    expect(parameters).toEqual({ N: caller(0.1), Z: caller(0), M: caller(0) });
  });

  test('names of any characters find their run again', async () => {
    for (const name of ['a b/c#d', '\u0000\n', '..', '%2e%2e', "'; DROP TABLE runs; --", '__proto__', '😀', 'x'.repeat(256)]) {
      const { status, body } = await post<RunStarted>(fields({ 'user-id': name, 'user-run-id': name }));
      expect(status).toBe(202);
      const found = await service.request<PageView<RunView>>('GET', `/v1/runs?user-id=${encodeURIComponent(name)}`);
      expect(found.body.items.map((run) => [run['run-id'], run['user-id'], run['user-run-id']])).toEqual([[body['run-id'], name, name]]);
    }
  });

  test('a byte order mark before a request is skipped', async () => {
    const { status } = await raw({ body: `\ufeff${JSON.stringify(fields())}` });
    expect(status).toBe(202);
  });

  test('unknown parameters of a query are ignored, and so are unknown keys of a request, as the original did', async () => {
    expect((await service.request('GET', '/v1/runs?x=1&x=2&__proto__=3')).status).toBe(200);
    expect((await post(fields({ 'pipeline-id': 'p' }))).status).toBe(202);
  });

  test('an Idempotency-Key of 255 characters', async () => {
    expect((await post(fields(), { 'idempotency-key': `!~${'k'.repeat(253)}` })).status).toBe(202);
  });
});
