/** What each path answers, in the shapes of Control Hub. */
import { describe, expect, test } from 'vitest';
import { asking, JOB, JOBS, START_MS, type Asking } from './asking.ts';

const SAQL = '/jobrunner/rest/v1/saql/jobs/search';
const ids = (rows: readonly Readonly<Record<string, unknown>>[]): readonly unknown[] => rows.map(({ id }) => id);
const found = async (hub: Asking, search: string): Promise<unknown> =>
  (await hub.fields('GET', `${SAQL}?len=-1&search=${encodeURIComponent(search)}`))['data'];

describe('a template', () => {
  test('is created as a job with defaults, and has no status', async () => {
    const hub = asking();
    const created = await hub.fields('PUT', JOBS, {
      name: 'mine',
      jobTemplate: true,
      pipelineId: 'p:o',
      pipelineCommitId: 'c:o',
      pipelineCommitLabel: 'v3',
      runtimeParameters: '{"CITY":"London"}',
      rawJobTags: ['a/b'],
    });
    expect(created).toMatchObject({
      id: expect.stringMatching(/^[\da-f-]{36}:simulated-org$/) as string,
      jobTemplate: true,
      currentJobStatus: null,
      runtimeParameters: '{"CITY":"London"}',
      pipelineCommitLabel: 'v3',
      labels: ['all'],
      statsRefreshInterval: 60_000,
      forceStopTimeout: 120_000,
      createTime: START_MS,
      jobTags: [{ id: 'a/b:simulated-org', tag: 'b', parentId: 'a:simulated-org', organization: 'simulated-org' }],
    });
    expect(await hub.json('GET', `${JOB}/${String(created['id'])}`)).toEqual(created);
    expect(await hub.rows('PUT', `${JOBS}/createJobs`, [{ name: 'x' }, { name: 'y' }])).toHaveLength(2);
  });

  test('takes its parameters as text alone', async () => {
    const hub = asking();
    for (const runtimeParameters of [{ CITY: 'London' }, '[1]', 'CITY=London'])
      expect((await hub.ask('PUT', JOBS, { name: 'mine', runtimeParameters })).status).toBe(400);
  });

  test('is edited, archived, deleted with its instances', async () => {
    const hub = asking();
    const id = await hub.started();
    const template = await hub.fields('GET', `${JOB}/${hub.templateId}`);
    expect(await hub.json('POST', `${JOB}/${hub.templateId}`, { ...template, name: 'renamed' })).toMatchObject({ name: 'renamed' });
    expect((await hub.ask('POST', `${JOB}/${id}`, { ...template, jobTemplate: false })).status).toBe(400);
    await hub.json('POST', `${JOBS}/archiveJobTemplates`, [hub.templateId]);
    expect((await hub.ask('POST', `${JOB}/${hub.templateId}/createAndStartJobInstances`, {})).status).toBe(400);
    expect((await hub.ask('POST', `${JOBS}/deleteJobTemplates`, [hub.templateId])).status).toBe(400);
    hub.pass(10_000);
    await hub.json('POST', `${JOBS}/deleteJobTemplates`, [hub.templateId]);
    expect(await hub.rows('POST', JOBS, [id, hub.templateId])).toEqual([]);
  });
});

describe('instances', () => {
  const start = (hub: Asking, body: unknown, way = 'createAndStartJobInstances'): Promise<Response> =>
    hub.ask('POST', `${JOB}/${hub.templateId}/${way}`, body);

  test('start one for each object of the list, and are answered as an array of statuses', async () => {
    const hub = asking();
    const body = {
      runtimeParametersList: [{ CITY: 'London' }, { CITY: 'Paris' }],
      rawJobTags: ['mark'],
      namePostfixType: 'PARAM_VALUE',
      paramName: 'CITY',
    };
    const statuses = (await (await start(hub, body)).json()) as readonly Readonly<Record<string, unknown>>[];
    expect(statuses).toMatchObject([
      { status: 'ACTIVATING', runCount: 1, startTime: START_MS, finishTime: null },
      { status: 'ACTIVATING', runCount: 1 },
    ]);
    const jobs = await hub.rows(
      'POST',
      JOBS,
      statuses.map(({ jobId }) => jobId),
    );
    expect(jobs).toMatchObject([
      { name: 'http-to-gcs - London', runtimeParameters: '{"CITY":"London"}', templateJobId: hub.templateId, jobTemplate: false },
      { name: 'http-to-gcs - Paris', rawJobTags: ['mark'], jobTags: [{ id: 'mark:simulated-org' }] },
    ]);
    expect(await hub.fields('GET', `${JOB}/${hub.templateId}/runHistory?offset=0&len=10&withTotalCount=true`)).toMatchObject({
      totalCount: 1,
      data: [{ runCount: 1, jobInstanceIds: ids(jobs), jobTemplateId: hub.templateId }],
    });
  });

  test('start later where they were asked for asynchronously, and are answered as jobs', async () => {
    const hub = asking();
    hub.simulator.set({ asyncStartMs: 3_000 });
    const [job] = (await (
      await start(hub, { runtimeParametersList: [{}] }, 'createAndStartJobInstancesAsync')
    ).json()) as readonly Readonly<Record<string, unknown>>[];
    expect(job).toMatchObject({ name: 'http-to-gcs - 1', currentJobStatus: null });
    const id = String(job?.['id']);
    expect((await hub.ask('POST', `${JOB}/${id}/start`)).status).toBe(400);
    hub.pass(3_000);
    expect(await hub.status(id)).toBe('ACTIVATING GRAY');
  });

  test('have the parameters of the template under their own', async () => {
    const hub = asking();
    const { id } = hub.simulator.createTemplate({
      name: 't',
      runtimeParameters: '{"SIMULATE_SECONDS":60,"CITY":"London"}',
      staticParameters: ['CITY'],
    });
    const path = `${JOB}/${id}/createAndStartJobInstances`;
    expect((await hub.ask('POST', path, { runtimeParametersList: [{ CITY: 'Paris' }] })).status).toBe(400);
    const [started] = await hub.rows('POST', path, {
      namePostfixType: 'TIME_STAMP',
      runtimeParametersList: [{ SIMULATE_INPUT_RECORDS: 7 }],
    });
    const job = await hub.fields('GET', `${JOB}/${String(started?.['jobId'])}`);
    expect(job['name']).toBe('t - 2026-01-01T00:00:00.000Z');
    expect(JSON.parse(String(job['effectiveParameters']))).toEqual({ SIMULATE_SECONDS: 60, CITY: 'London', SIMULATE_INPUT_RECORDS: 7 });
    hub.pass(59_000);
    expect(await hub.status(String(started?.['jobId']))).toBe('ACTIVE GREEN');
  });

  test('are not attached, where that is asked: no template, no run in its history', async () => {
    const hub = asking();
    const id = await hub.started({}, { attachToTemplate: false });
    expect(await hub.json('GET', `${JOB}/${id}`)).toMatchObject({ templateJobId: null });
    expect(await hub.rows('GET', `${JOB}/${hub.templateId}/runHistory`)).toEqual([]);
  });

  test.each([
    ['no body', undefined],
    ['no list', { runtimeParametersList: {} }],
    ['a suffix that is none', { namePostfixType: 'TIMESTAMP' }],
    ['a value of no parameter', { namePostfixType: 'PARAM_VALUE', runtimeParametersList: [{}] }],
    ['a plan that cannot be read', { runtimeParametersList: [{}, { SIMULATE_SECONDS: 'soon' }] }],
  ])('are refused with %s, and none is made', async (_, body) => {
    const hub = asking();
    expect((await start(hub, body)).status).toBe(400);
    expect(await hub.rows('GET', `${JOBS}?jobTemplate=false`)).toEqual([]);
  });

  test('that are deleted after completion are gone when they have ended', async () => {
    const hub = asking();
    const id = await hub.started({}, { deleteAfterCompletion: true });
    hub.pass(5_999);
    expect(await hub.status(id)).toBe('DEACTIVATING GREEN');
    hub.pass(1);
    expect((await hub.ask('GET', `${JOB}/${id}`)).status).toBe(404);
    expect((await hub.ask('GET', `${JOB}/${id}/currentStatus`)).status).toBe(404);
    expect(await hub.json('POST', `${JOBS}/status`, [id])).toEqual({});
    expect(await hub.rows('GET', `${JOBS}?removed=true`)).toMatchObject([{ id, jobDeleted: true, deleteTime: START_MS + 6_000 }]);
  });

  test('run on the engine that has all their labels and the least to do', async () => {
    const engine = { responding: true, executorType: 'COLLECTOR', version: '5.10.0' };
    const hub = asking({
      engines: [
        { ...engine, id: 'a', labels: ['all', 'gpu'] },
        { ...engine, id: 'b', labels: ['all', 'gpu'] },
        { ...engine, id: 'c', labels: ['all'] },
        { ...engine, id: 'd', labels: ['all', 'gpu'], responding: false },
      ],
    });
    const start = async (labels: readonly string[]): Promise<unknown> => {
      const { id } = hub.simulator.createTemplate({ name: 't', labels });
      const response = await hub.ask('POST', `${JOB}/${id}/createAndStartJobInstances`, {});
      return response.status === 200 ? ((await response.json()) as readonly { readonly sdcIds: unknown }[])[0]?.sdcIds : response.status;
    };
    expect([await start(['all', 'gpu']), await start(['gpu']), await start(['all']), await start(['GPU'])]).toEqual([
      ['a'],
      ['b'],
      ['c'],
      400,
    ]);
    expect(await hub.rows('GET', '/jobrunner/rest/v1/sdcs?label=gpu')).toMatchObject([
      { id: 'a' },
      { id: 'b' },
      { id: 'd', responding: false },
    ]);
    hub.pass(1_000);
    expect(await hub.fields('GET', '/jobrunner/rest/v1/sdc/a')).toMatchObject({ pipelinesCount: 1, labels: ['all', 'gpu'] });
    expect(ids(await hub.rows('POST', '/jobrunner/rest/v1/sdcs', ['c', 'none']))).toEqual(['c']);
  });
});

describe('actions on many', () => {
  test('start, stop, force and acknowledge, with an empty answer', async () => {
    const hub = asking();
    const jobs = await hub.rows('PUT', `${JOBS}/createJobs`, [
      { name: 'a', runtimeParameters: '{"SIMULATE_STREAMING":true}' },
      { name: 'b', runtimeParameters: '{"SIMULATE_END":"stuck-deactivating"}' },
      { name: 'c', runtimeParameters: '{"SIMULATE_END":"INACTIVE_ERROR"}' },
    ]);
    const [a = '', b = '', c = ''] = ids(jobs).map(String);
    const standing = (): Promise<readonly string[]> => Promise.all([a, b, c].map((id) => hub.status(id)));
    expect(await hub.json('POST', `${JOBS}/startJobs`, [a, b, c])).toBeUndefined();
    hub.pass(10_000);
    expect(await standing()).toEqual(['ACTIVE GREEN', 'DEACTIVATING GREEN', 'INACTIVE_ERROR RED']);
    expect(await hub.json('POST', `${JOBS}/stopJobs`, [a])).toBeUndefined();
    expect(await hub.json('POST', `${JOBS}/forceStopJobs`, [b])).toBeUndefined();
    expect(await hub.json('POST', `${JOBS}/acknowledgeErrors`, [c])).toBeUndefined();
    hub.pass(1_000);
    expect(await standing()).toEqual(['INACTIVE GRAY', 'INACTIVE RED', 'INACTIVE GRAY']);
    expect(await hub.json('POST', `${JOBS}/deleteJobs`, [a, b])).toBeUndefined();
    expect(await hub.json('DELETE', `/jobrunner/rest/v2/job/${c}`)).toMatchObject({ id: c, jobDeleted: true });
    expect(await hub.rows('POST', JOBS, [a, b, c])).toEqual([]);
  });

  test('do nothing at all when one is refused', async () => {
    const hub = asking();
    const [active, ended] = [await hub.started({ SIMULATE_STREAMING: true }), await hub.started({ SIMULATE_SECONDS: 0 })];
    hub.pass(2_000);
    expect((await hub.ask('POST', `${JOBS}/stopJobs`, [active, ended])).status).toBe(400);
    expect((await hub.ask('POST', `${JOBS}/deleteJobs`, [ended, active])).status).toBe(400);
    expect((await hub.ask('POST', `${JOBS}/stopJobs`, { id: active })).status).toBe(400);
    expect([await hub.status(active), await hub.status(ended)]).toEqual(['ACTIVE GREEN', 'INACTIVE GRAY']);
  });
});

describe('statuses', () => {
  test('of many are an object by id, without what is unknown', async () => {
    const hub = asking();
    const id = await hub.started();
    const never = await hub.fields('PUT', JOBS, { name: 'never started' });
    const answer = await hub.fields('POST', `${JOBS}/status`, [id, 'no-such-id', never['id']]);
    expect(answer).toMatchObject({ [id]: { jobId: id, status: 'ACTIVATING' }, [String(never['id'])]: null });
    expect(Object.keys(answer)).toHaveLength(2);
    expect(await hub.json('GET', `${JOB}/${String(never['id'])}/currentStatus`)).toBeUndefined();
    expect(await hub.json('GET', `${JOB}/${String(never['id'])}`)).toMatchObject({ currentJobStatus: null });
    expect(await hub.rows('GET', `${JOBS}/status?offset=0&len=1`)).toMatchObject([{ jobId: id }]);
  });

  test('have every field of JobStatusJson', async () => {
    const hub = asking();
    const id = await hub.started({ SIMULATE_SECONDS: 60 });
    hub.pass(2_000);
    const status = await hub.fields('GET', `${JOB}/${id}/currentStatus`);
    const [engineId] = [...hub.simulator.hub.engines.keys()];
    expect(Object.keys(status).toSorted()).toEqual(
      (
        'ackTrackers color edge enginePipelineId errorInfos errorMessage errorRecordCount finishTime id inputRecordCount jobId ' +
        'lastReportedMetricTime outputRecordCount pipelineCommitId pipelineCommitLabel pipelineOffsets pipelineStatus runCount ' +
        'runtimeAttributes sdcIds startTime status upgradeStatus user warnings'
      ).split(' '),
    );
    expect(status).toMatchObject({
      sdcIds: [engineId],
      pipelineStatus: [{ status: 'RUNNING', sdcId: engineId }],
      pipelineCommitLabel: 'v1',
    });
    expect(String(status['enginePipelineId']).split('__').slice(-2).join(':')).toBe(id);
  });
});

describe('lists', () => {
  test('are filtered, ordered and paged', async () => {
    const hub = asking();
    const a = await hub.started({ SIMULATE_SECONDS: 0 }, { name: 'a', rawJobTags: ['one:two'] });
    hub.pass(60_000);
    const b = await hub.started({}, { name: 'b' });
    const list = async (query: string): Promise<unknown> => ids(await hub.rows('GET', `${JOBS}?${query}`));
    expect(await list('jobTag=one%3Atwo%3Asimulated-org')).toEqual([a]);
    expect(await list('jobTag=one')).toEqual([]);
    expect(await list(`templateJobId=${hub.templateId}&orderBy=NAME&order=DESC`)).toEqual([b, a]);
    expect(await list('jobStatus=INACTIVE&jobTemplate=false')).toEqual([a]);
    expect(await list('jobStatusColor=GRAY&jobStatus=ACTIVATING')).toEqual([b]);
    expect(await list('jobTemplate=true&organization=simulated-org')).toEqual([hub.templateId]);
    expect(await list('jobSearchOperation=STARTS_WITH&jobSearchText=a')).toEqual([a]);
    expect(await list('jobSearchOperation=EQUALS&jobSearchText=a')).toEqual([]);
    expect(await list('filterText=GCS')).toEqual([hub.templateId]);
    expect(await list('jobLabel=all&offset=1&len=1&orderBy=CREATE_TIME')).toEqual([a]);
    expect(await hub.json('GET', `${JOBS}?withWrapper=true&offset=1&len=1`)).toMatchObject({
      totalCount: 3,
      offset: 1,
      len: 1,
      data: [{ id: a }],
    });
    expect(ids(await hub.rows('GET', `${JOBS}/byStatus`))).toEqual([a]);
    expect(ids(await hub.rows('GET', `${JOBS}/byStatus?jobStatus=ACTIVATING`))).toEqual([b]);
    expect(await hub.json('GET', `${JOBS}/count?jobTemplate=false`)).toEqual({ count: 2 });
    hub.pass(1_000);
    expect(await hub.json('GET', '/jobrunner/rest/v1/metrics/jobCountByStatus')).toEqual({
      data: [
        { status: 'INACTIVE', count: 1 },
        { status: 'ACTIVE', count: 1 },
        { status: 'ACTIVE_GREEN', count: 1 },
      ],
    });
    expect((await hub.ask('GET', `${JOBS}?offset=some`)).status).toBe(400);
  });

  test('are searched', async () => {
    const hub = asking();
    const a = await hub.started({ SIMULATE_END: 'INACTIVE_RED' }, { name: 'a (1)', rawJobTags: ['x', 'y'] });
    hub.pass(60_000);
    const b = await hub.started({}, { name: 'b' });
    const search = async (text: string): Promise<unknown> => ids((await found(hub, text)) as readonly Readonly<Record<string, unknown>>[]);
    expect(await search('tag==y')).toEqual([a]);
    expect(await search('tag!=y')).toEqual([b]);
    expect(await search(`id=='${b}'`)).toEqual([b]);
    expect(await search('name=="*(1)*"')).toEqual([a]);
    expect(await search('name=="a (1) - 1"')).toEqual([a]);
    expect(await search('status=in=(ACTIVE,ACTIVATING) or color==RED')).toEqual([a, b]);
    expect(await search('status=out=(ACTIVE,ACTIVATING) and (color==RED or color==GREEN)')).toEqual([a]);
    expect(await search(`created_on=gt=${START_MS}`)).toEqual([b]);
    expect(await search(`created_on=le=${START_MS};attached_to_template==true`)).toEqual([a]);
    expect(await search('description=null=true')).toEqual([a, b]);
    expect(await search('')).toEqual([a, b]);
    for (const wrong of [
      'name=',
      'name',
      'name==',
      'name==a and',
      '(name==a',
      'name==a)',
      'colour==RED',
      'name=~a',
      'constructor==a',
      'name=in=a',
    ])
      expect([wrong, (await hub.ask('GET', `${SAQL}?search=${encodeURIComponent(wrong)}`)).status]).toEqual([wrong, 400]);
    expect(await hub.fields('GET', `${SAQL}?orderBy=name&order=DESC&offset=0&len=1`)).toMatchObject({
      totalCount: 2,
      len: 1,
      data: [{ id: b }],
    });
    expect(await hub.fields('GET', `${SAQL}/templates?len=10&search=name==http*`)).toMatchObject({ data: [{ id: hub.templateId }] });
  });
});

describe('the history of a job', () => {
  test('has its runs, the events of a run, and its log', async () => {
    const hub = asking();
    const id = await hub.started({ SIMULATE_END: 'INACTIVE_RED', SIMULATE_ERROR_MESSAGE: 'HTTP_01 - no answer' });
    hub.pass(10_000);
    await hub.json('POST', `${JOB}/${id}/start`, {});
    hub.pass(20_000);
    const runs = await hub.fields('GET', `${SAQL}/${id}/runs?orderBy=run_count&len=100`);
    expect(runs).toMatchObject({
      totalCount: 2,
      data: [
        { runCount: 1, color: 'RED', errorMessage: 'HTTP_01 - no answer' },
        { runCount: 2, color: 'GRAY' },
      ],
    });
    expect(
      await hub.fields('GET', `${SAQL}/${id}/runs?len=100&search=${encodeURIComponent('run_count==2 and error_message=null=true')}`),
    ).toMatchObject({
      totalCount: 1,
    });
    expect(await hub.fields('GET', `${JOB}/${id}/history?withWrapper=true&len=1`)).toMatchObject({
      totalCount: 2,
      data: [{ runCount: 2 }],
    });
    const [first] = runs['data'] as readonly Readonly<Record<string, unknown>>[];
    const events = await hub.rows('GET', `${JOB}/${String(first?.['id'])}/jobStatusHistory`);
    expect(events.map(({ status, time }) => [status, Number(time) - START_MS])).toEqual([
      ['ACTIVATING', 0],
      ['ACTIVE', 500],
      ['DEACTIVATING', 5_500],
      ['INACTIVE', 6_000],
    ]);
    expect(Object.keys(events[0] ?? {}).toSorted()).toEqual(['jobStatusId', 'message', 'status', 'time', 'user']);
    expect((await hub.ask('GET', `${JOB}/${id}/jobStatusHistory`)).status).toBe(404);
    const log = await hub.rows('GET', `${JOB}/logMessages?jobId=${id}&runCount=1&len=1`);
    expect(log).toMatchObject([
      { jobId: id, runCount: 1, logLevel: 'ERROR', logMessage: 'HTTP_01 - no answer', logTimestamp: START_MS + 6_000 },
    ]);
    expect((await hub.ask('GET', `${JOB}/logMessages`)).status).toBe(400);
  });
});

describe('metrics', () => {
  test('of the latest run, of one run, and the counts of all', async () => {
    const hub = asking();
    const id = await hub.started({ SIMULATE_INPUT_RECORDS: 12, SIMULATE_OUTPUT_RECORDS: 11, SIMULATE_ERROR_RECORDS: 1 });
    expect((await hub.ask('GET', `/jobrunner/rest/v1/metrics/job/${id}`)).status).toBe(404);
    hub.pass(10_000);
    await hub.json('POST', `${JOB}/${id}/start`, { SIMULATE_INPUT_RECORDS: 5 });
    hub.pass(20_000);
    const metrics = await hub.fields('GET', `/jobrunner/rest/v1/metrics/job/${id}?runCount=1`);
    expect(metrics).toMatchObject({
      counters: {
        'pipeline.batchInputRecords.counter': { count: 12 },
        'pipeline.batchOutputRecords.counter': { count: 11 },
        'pipeline.batchErrorRecords.counter': { count: 1 },
        'pipeline.batchErrorMessages.counter': { count: 0 },
      },
      meters: { 'pipeline.batchInputRecords.meter': { count: 12, mean_rate: 12 / 8, units: 'events/second' } },
    });
    const latest = await hub.fields('GET', `/jobrunner/rest/v1/metrics/job/${id}`);
    expect(latest).toMatchObject({ counters: { 'pipeline.batchInputRecords.counter': { count: 5 } } });
    const counts = await hub.fields('GET', `/timeseries/rest/v1/metrics/job/${id}/recordCountsForAllRuns`);
    expect(counts).toMatchObject({ 0: { inputCount: 5, jobId: id }, 1: { inputCount: 12, outputCount: 11, errorCount: 1, runCount: 1 } });
    expect(counts['0']).not.toHaveProperty('runCount');
  });
});

describe('what stands around jobs', () => {
  test('pipelines show the commit that ran', async () => {
    const hub = asking();
    const pipeline = '/pipelinestore/rest/v1';
    const job = await hub.fields('GET', `${JOB}/${await hub.started()}`);
    const [pipelineId, commitId] = [String(job['pipelineId']), String(job['pipelineCommitId'])];
    const commit = { pipelineId, commitId, version: '1', draft: false, name: job['pipelineName'] };
    expect(await hub.json('GET', `${pipeline}/pipeline/${pipelineId}/latest?onlyPublished=true`)).toMatchObject(commit);
    expect(await hub.json('GET', `${pipeline}/pipelineCommit/${commitId}`)).toMatchObject(commit);
    expect(await hub.json('GET', `${pipeline}/pipeline/${pipelineId}/log`)).toMatchObject([commit]);
    expect(await hub.json('POST', `${pipeline}/pipelineCommit`, [commitId])).toMatchObject([commit]);
    expect(
      await hub.json('GET', `${pipeline}/saql/pipelines/search?len=5&search=${encodeURIComponent(`id=='${pipelineId}'`)}`),
    ).toMatchObject({
      totalCount: 1,
      data: [commit],
    });
    expect((await hub.ask('GET', `${pipeline}/pipelineCommit/none`)).status).toBe(404);
    expect((await hub.ask('PUT', JOBS, { name: 'x', pipelineId, pipelineCommitId: 'none' })).status).toBe(400);
  });

  test('the organization is found with the token alone', async () => {
    const hub = asking({ baseUrl: 'http://control-hub.test', organizationId: 'org-7' });
    const claims = JSON.parse(atob(hub.simulator.credential.token.split('.')[1] ?? '')) as { readonly o: string };
    const response = await hub.fetch(`http://login/api/security/public/v3/orgs/${claims.o}/info`, {
      headers: { 'x-requested-by': 'Aster' },
    });
    expect(await response.json()).toEqual({ data: { landingUrl: 'http://control-hub.test/security/public-rest/v1/aster/landing' } });
    expect(await hub.json('GET', '/security/rest/v1/currentUser')).toMatchObject({ organization: 'org-7' });
  });
});
