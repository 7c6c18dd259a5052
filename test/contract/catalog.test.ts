import { describe, expect, test } from 'vitest';
import { templateBody, TemplateDocument, templateView } from '#contract/catalog';
import { problemOf, PROBLEMS, Problem, type ProblemSlug } from '#contract/problems';
import { DEFAULT_LIMITS, type TemplateBody } from '#domain/template';
import { aTemplate } from '#test/domain/builders';

describe('a template document', () => {
  test('with a name and an engine alone is complete: nothing static, everything allowed, the default limits', () => {
    expect(templateBody(TemplateDocument.parse({ name: 'Sleep', engine: 'sleep' }))).toEqual({
      name: 'Sleep',
      engine: 'sleep',
      definition: {},
      static: { sourceParameters: {}, targetParameters: {}, sourceConnection: {}, targetConnection: {} },
      parametersSchema: {},
      overridable: [],
      searchable: [],
      identity: [],
      limits: DEFAULT_LIMITS,
      deleteAfterCompletion: false,
    });
  });

  test('one limit that is given leaves the others as they are', () => {
    const { limits } = templateBody(TemplateDocument.parse({ name: 'a', engine: 'b', limits: { 'max-parallel': 3 } }));
    expect(limits).toEqual({ ...DEFAULT_LIMITS, maxParallel: 3 });
    expect(templateBody(TemplateDocument.parse({ name: 'a', engine: 'b', limits: { retries: {} } })).limits.retries).toEqual({});
  });

  test('of streaming jobs has no time limit unless it gives one, and any other has the default one', () => {
    const parsed = (change: object): TemplateBody => templateBody(TemplateDocument.parse({ name: 'a', engine: 'b', ...change }));
    const streaming = { 'sample-seconds': 60 };
    expect(parsed({ streaming })).toMatchObject({ streaming: { sampleSeconds: 60 } });
    expect(parsed({ streaming }).limits).not.toHaveProperty('maxWaitSeconds');
    expect(parsed({ streaming, limits: { 'max-wait-seconds': 9 } }).limits).toMatchObject({ maxWaitSeconds: 9 });
    expect(parsed({})).not.toHaveProperty('streaming');
    expect(parsed({}).limits).toMatchObject({ maxWaitSeconds: 4 * 3600 });
    for (const body of [parsed({ streaming }), parsed({ streaming, limits: { 'max-wait-seconds': 14_400 } })]) {
      const { 'template-id': _id, version: _version, 'created-at': _at, ...document } = templateView({ ...aTemplate(), ...body });
      expect(templateBody(TemplateDocument.parse(document)).limits).toEqual(body.limits);
    }
  });

  test('what is shown of a template registers the same template again', () => {
    const template = aTemplate({
      definition: { stages: [1] },
      static: { sourceParameters: { A: 1 }, targetParameters: { B: 2 }, sourceConnection: { C: 3 }, targetConnection: { D: 4 } },
      parametersSchema: { type: 'object' },
      overridable: ['A'],
      limits: {
        maxWaitSeconds: 9,
        maxParallel: 8,
        maxParallelAcrossRuns: 7,
        startsPerSecond: 0.5,
        retries: { lost: { times: 0, backoffSeconds: 0 }, 'engine-error': { times: 2, backoffSeconds: 30 } },
      },
      deleteAfterCompletion: true,
    });
    const { 'template-id': _id, version: _version, 'created-at': _at, ...document } = templateView(template);
    const { id: _, version: __, createdAt: ___, ...body } = template;
    expect(templateBody(TemplateDocument.parse(document))).toEqual(body);
  });

  test.each([
    ['an unknown key', { nmae: 'x' }],
    ['no name', { name: '' }],
    ['a definition that is a list', { definition: [] }],
    ['a limit of nothing', { limits: { 'max-parallel': 0 } }],
    ['an unknown reason to retry', { limits: { retries: { unlucky: 1 } } }],
    ['samples more often than every ten seconds', { streaming: { 'sample-seconds': 9 } }],
    ['streaming without an interval', { streaming: {} }],
    ['endless retries', { limits: { retries: { lost: 11 } } }],
  ])('is refused with %s', (_, change) => {
    expect(TemplateDocument.safeParse({ name: 'a', engine: 'b', ...change }).success).toBe(false);
  });
});

describe('problem details', () => {
  const slugs = Object.keys(PROBLEMS) as readonly ProblemSlug[];

  test('have a status that is an error, a title of their own, and a type that is a path', () => {
    for (const slug of slugs) {
      const problem = Problem.parse(problemOf(slug, 'why'));
      expect(problem).toMatchObject({ type: `/problems/${slug}`, detail: 'why' });
      expect(problem.status).toBeGreaterThanOrEqual(400);
      expect(problem.status).toBeLessThan(600);
      expect(problem).not.toHaveProperty('errors');
    }
    expect(new Set(slugs.map((slug) => PROBLEMS[slug].title)).size).toBe(slugs.length);
  });
});
