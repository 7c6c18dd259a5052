/**
 * The documents of a catalog directory: templates and patterns, in YAML or JSON, several to a file where `---` parts them.
 * Everything that can be wrong with them by themselves is found here, before the service hears of the first.
 *
 *   kind: template                kind: pattern
 *   id: tmpl_csv-to-parquet       source-type: csv
 *   name: CSV to Parquet          target-type: parquet
 *   engine: duckdb                template-id: tmpl_csv-to-parquet
 *   definition: …
 */
import * as z from 'zod';
import { parseAllDocuments } from 'yaml';
import { TemplateDocument, withTimeLimit } from '#contract/catalog';
import { pointerOf } from '#contract/run-request';

export interface CatalogFile {
  /** As messages name it. */
  readonly path: string;
  readonly text: string;
}

export interface CatalogTemplate {
  readonly kind: 'template';
  readonly where: string;
  readonly id: string;
  readonly template: z.input<typeof TemplateDocument>;
}

export interface CatalogPattern {
  readonly kind: 'pattern';
  readonly where: string;
  readonly 'source-type': string;
  readonly 'target-type': string;
  readonly 'template-id': string;
}

export interface Catalog {
  readonly templates: readonly CatalogTemplate[];
  readonly patterns: readonly CatalogPattern[];
}

export type ReadCatalog =
  { readonly kind: 'catalog'; readonly catalog: Catalog } | { readonly kind: 'problems'; readonly problems: readonly string[] };

const templateId = z.string().regex(/^tmpl_[a-z0-9][a-z0-9-]{0,62}$/, 'must be tmpl_ and then lower-case letters, digits and hyphens');
const type = z.string().min(1).max(256);
const Template = TemplateDocument.extend({ kind: z.literal('template'), id: templateId });
const Pattern = z.strictObject({ kind: z.literal('pattern'), 'source-type': type, 'target-type': type, 'template-id': templateId });
const Kind = z.object({ kind: z.enum(['template', 'pattern']) });

type Read = CatalogTemplate | CatalogPattern | { readonly kind: 'problems'; readonly problems: readonly string[] };

export function readCatalog(files: readonly CatalogFile[]): ReadCatalog {
  const read = files.flatMap(documentsOf);
  const catalog = {
    templates: read.filter((document) => document.kind === 'template'),
    patterns: read.filter((document) => document.kind === 'pattern'),
  };
  const problems = [...read.flatMap((document) => (document.kind === 'problems' ? document.problems : [])), ...repeated(catalog)];
  return problems.length > 0 ? { kind: 'problems', problems } : { kind: 'catalog', catalog };
}

/** What a template or a pattern is called, in messages and in what `catalog apply` prints. */
export function nameOf(document: CatalogTemplate | CatalogPattern): string {
  switch (document.kind) {
    case 'template':
      return document.id;
    case 'pattern':
      return `${document['source-type']} to ${document['target-type']}`;
  }
}

function documentsOf({ path, text }: CatalogFile): readonly Read[] {
  const documents = parseAllDocuments(text, { prettyErrors: true });
  if (!Array.isArray(documents)) return [];
  return documents.map((document, index): Read => {
    const where = documents.length === 1 ? path : `${path} (document ${index + 1})`;
    const [error] = document.errors;
    // The message's first line has the place; the lines after it draw it.
    if (error) return { kind: 'problems', problems: [`${where}: ${error.message.split('\n')[0]?.replace(/:$/, '') ?? ''}`] };
    try {
      return documentOf(where, document.toJS());
    } catch (thrown) {
      return { kind: 'problems', problems: [`${where}: ${thrown instanceof Error ? thrown.message : 'cannot be read'}`] };
    }
  });
}

function documentOf(where: string, content: unknown): Read {
  const kind = Kind.safeParse(content);
  if (!kind.success) return { kind: 'problems', problems: [`${where}: /kind: must be template or pattern`] };
  switch (kind.data.kind) {
    case 'template': {
      const parsed = Template.safeParse(content);
      if (!parsed.success) return problemsOf(where, parsed.error);
      const { kind: _, id, ...template } = parsed.data;
      return { kind: 'template', where, id, template: withTimeLimit(template) };
    }
    case 'pattern': {
      const parsed = Pattern.safeParse(content);
      return parsed.success ? { ...parsed.data, where } : problemsOf(where, parsed.error);
    }
  }
}

function problemsOf(where: string, error: z.ZodError): Read {
  return { kind: 'problems', problems: error.issues.map((issue) => `${where}: ${pointerOf(issue.path) || '/'}: ${issue.message}`) };
}

/** Of two documents for one thing the later would win by the accident of its file's name. */
function repeated({ templates, patterns }: Catalog): readonly string[] {
  return [...templates, ...patterns].flatMap((document, index, all) => {
    const first = all.findIndex((other) => other.kind === document.kind && nameOf(other) === nameOf(document));
    return first < index ? [`${document.where}: ${document.kind} ${nameOf(document)} is in ${all[first]?.where ?? ''} as well`] : [];
  });
}
