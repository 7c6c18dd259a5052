/** The catalog's part of the client: templates with their versions, and the patterns that name them. */
import * as z from 'zod';
import { PatternView, TemplateView, type TemplateDocument } from '#contract/catalog';
import { pageOf, type PageView } from '#contract/views';
import { UnexpectedAnswer } from './errors.ts';
import { itemsOf, query, type PageOptions } from './pages.ts';
import type { Call, Reply, Transport } from './transport.ts';

/** What registering did. The same document again is `unchanged`. */
export type Change = 'created' | 'changed' | 'unchanged';

/** A template as its author writes it: what has a default may be left out. */
export type TemplateInput = z.input<typeof TemplateDocument>;
export type PatternInput = Pick<PatternView, 'source-type' | 'target-type' | 'template-id'>;
export type PatternName = Pick<PatternView, 'source-type' | 'target-type'>;

/** What must hold for a change to be made; otherwise it is refused as `precondition-failed`. */
export type Expected = ExpectedVersion | { readonly absent: true };

/** The version that the caller has seen is still the newest. */
export interface ExpectedVersion {
  readonly version: number;
}

/**
 * @example
 * const { version } = await client.getTemplate('tmpl_csv-to-parquet');
 * await client.putTemplate('tmpl_csv-to-parquet', changed, { version }); // refused where somebody was faster
 */
export interface CatalogClient {
  putTemplate(
    templateId: string,
    template: TemplateInput,
    expected?: Expected,
  ): Promise<{ readonly change: Change; readonly template: TemplateView }>;
  /** The newest version, or the given one. A deleted template has no newest version; the others can still be read. */
  getTemplate(templateId: string, version?: number): Promise<TemplateView>;
  listTemplates(options?: PageOptions): Promise<PageView<TemplateView>>;
  templates(options?: Pick<PageOptions, 'limit'>): AsyncIterable<TemplateView>;
  /** Newest first. */
  listTemplateVersions(templateId: string, options?: PageOptions): Promise<PageView<TemplateView>>;
  templateVersions(templateId: string, options?: Pick<PageOptions, 'limit'>): AsyncIterable<TemplateView>;
  /** Refused as `in-use` while a pattern names it or a run of it is open. */
  deleteTemplate(templateId: string, expected?: ExpectedVersion): Promise<void>;
  putPattern(pattern: PatternInput, expected?: Expected): Promise<{ readonly change: Change; readonly pattern: PatternView }>;
  getPattern(pattern: PatternName): Promise<PatternView>;
  listPatterns(options?: PageOptions): Promise<PageView<PatternView>>;
  patterns(options?: Pick<PageOptions, 'limit'>): AsyncIterable<PatternView>;
  deletePattern(pattern: PatternName, expected?: ExpectedVersion): Promise<void>;
}

export function catalogMethods(call: Transport): CatalogClient {
  return { ...templateMethods(call), ...patternMethods(call) };
}

type TemplateMethods =
  'putTemplate' | 'getTemplate' | 'listTemplates' | 'templates' | 'listTemplateVersions' | 'templateVersions' | 'deleteTemplate';

function templateMethods(call: Transport): Pick<CatalogClient, TemplateMethods> {
  const page = pageOf(TemplateView);
  const pathOf = (id: string): string => `/v1/templates/${part(id)}`;
  const listTemplates: CatalogClient['listTemplates'] = async (options = {}) => (await call(get('/v1/templates', options), page)).body;
  const listTemplateVersions: CatalogClient['listTemplateVersions'] = async (id, options = {}) =>
    (await call(get(`${pathOf(id)}/versions`, options), page)).body;
  return {
    async putTemplate(id, template, expected) {
      const reply = await call(put(pathOf(id), template, expected), TemplateView);
      return { change: changeOf(reply, pathOf(id)), template: reply.body };
    },
    async getTemplate(id, version) {
      return (await call(get(`${pathOf(id)}${version === undefined ? '' : `/versions/${version}`}`), TemplateView)).body;
    },
    listTemplates,
    templates: (options = {}) => itemsOf(listTemplates, options),
    listTemplateVersions,
    templateVersions: (id, options = {}) => itemsOf((next) => listTemplateVersions(id, next), options),
    async deleteTemplate(id, expected) {
      await call(remove(pathOf(id), expected), Nothing);
    },
  };
}

type PatternMethods = 'putPattern' | 'getPattern' | 'listPatterns' | 'patterns' | 'deletePattern';

function patternMethods(call: Transport): Pick<CatalogClient, PatternMethods> {
  const page = pageOf(PatternView);
  const pathOf = (pattern: PatternName): string => `/v1/patterns/${part(pattern['source-type'])}/${part(pattern['target-type'])}`;
  const listPatterns: CatalogClient['listPatterns'] = async (options = {}) => (await call(get('/v1/patterns', options), page)).body;
  return {
    async putPattern(pattern, expected) {
      const path = pathOf(pattern);
      const reply = await call(put(path, { 'template-id': pattern['template-id'] }, expected), PatternView);
      return { change: changeOf(reply, path), pattern: reply.body };
    },
    getPattern: async (pattern) => (await call(get(pathOf(pattern)), PatternView)).body,
    listPatterns,
    patterns: (options = {}) => itemsOf(listPatterns, options),
    async deletePattern(pattern, expected) {
      await call(remove(pathOf(pattern), expected), Nothing);
    },
  };
}

/** 204 has no body. */
const Nothing = z.undefined();

/** One part of a path. */
const part = encodeURIComponent;

const get = (path: string, { limit, cursor }: PageOptions = {}): Call => ({
  method: 'GET',
  path: `${path}${query({ limit, cursor })}`,
  repeatable: true,
});

/** Sent once: the answer to a repeated one would say `unchanged` of what the first one changed. */
const put = (path: string, body: unknown, expected: Expected | undefined): Call => ({
  method: 'PUT',
  path,
  body,
  headers: headersOf(expected),
  repeatable: false,
});

/** Sent once: the answer to a repeated one would say that there is nothing to delete. */
const remove = (path: string, expected: ExpectedVersion | undefined): Call => ({
  method: 'DELETE',
  path,
  headers: headersOf(expected),
  repeatable: false,
});

function headersOf(expected: Expected | undefined): Readonly<Record<string, string>> {
  if (expected === undefined) return {};
  return 'version' in expected ? { 'if-match': `"${expected.version}"` } : { 'if-none-match': '*' };
}

function changeOf({ headers }: Reply<unknown>, path: string): Change {
  const change = headers.get('sluice-change');
  if (change === 'created' || change === 'changed' || change === 'unchanged') return change;
  throw new UnexpectedAnswer('PUT', path, 200, 'no sluice-change header');
}
