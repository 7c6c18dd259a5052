/** Folders, functions, documents and CloudFormation agree with each other. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse, type ScalarTag } from 'yaml';
import { kebab } from '#test/state-machines/machine';
import { cycleOf, importsMap, importsOf, sourcesBelow } from './sources.ts';

interface Service {
  readonly functions: Readonly<Record<string, { readonly handler: string; readonly package?: { readonly patterns: readonly string[] } }>>;
  readonly provider: Readonly<Record<string, unknown>>;
}

/** CloudFormation's short forms as what they stand for: the names that they refer to. */
class Reference {
  readonly names: readonly string[];
  constructor(names: readonly string[]) {
    this.names = names;
  }
}
const short = (tag: string, names: (text: string) => readonly string[]): ScalarTag => ({
  tag,
  resolve: (text) => new Reference(names(text)),
});
const TAGS = [
  short('!Ref', (text) => [text]),
  short('!GetAtt', (text) => [text.split('.')[0] ?? '']),
  short('!Sub', (text) => [...text.matchAll(/\$\{([A-Za-z0-9]+)(?:\.[\w.]+)?\}/g)].map(([, name = '']) => name)),
];
const read = (file: string): unknown => parse(readFileSync(file, 'utf8'), { customTags: TAGS }) as unknown;

const service = read('serverless.yml') as Service;
const functionFolders = (): readonly string[] =>
  ['http', 'task', 'event'].flatMap((kind) => readdirSync(`functions/${kind}`).map((name) => `functions/${kind}/${name}`));

describe('functions', () => {
  test('every folder has a handler and an entry in serverless.yml, and every entry a folder', () => {
    const folders = functionFolders();
    for (const folder of folders) expect([folder, existsSync(`${folder}/handler.ts`)]).toEqual([folder, true]);
    const entries = Object.values(service.functions).map(({ handler }) => handler);
    expect(entries.toSorted()).toEqual(folders.map((folder) => `.out/${folder}/handler.handler`).toSorted());
  });

  test('every entry is called as its folder is, and packs that folder alone', () => {
    for (const [name, { handler, package: packed }] of Object.entries(service.functions)) {
      const folder = handler.replace('/handler.handler', '');
      expect(kebab(name)).toBe(folder.split('/').at(-1));
      expect(packed?.patterns.map((pattern) => pattern.replace(/\/(?:\*\*|\*\.mjs)$/, ''))).toEqual([folder]);
    }
  });

  test('no folder beside these three, and no file beside the handlers', () => {
    expect(readdirSync('functions').toSorted()).toEqual(['event', 'http', 'task']);
    expect(sourcesBelow('functions').filter((file) => !file.endsWith('/handler.ts'))).toEqual([]);
  });

  test('every task is an operation of the same name', () => {
    for (const name of readdirSync('functions/task')) {
      const file = `src/operations/${name}.ts`;
      expect([file, existsSync(file)]).toEqual([file, true]);
      const verb = name.replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
      expect(readFileSync(file, 'utf8')).toMatch(new RegExp(`export async function ${verb}\\(`));
      expect(readFileSync(`functions/task/${name}/handler.ts`, 'utf8')).toContain(`import { ${verb}`);
    }
  });

  test('every route stands once in serverless.yml and once in the handler of its function', () => {
    const routes: string[] = [];
    for (const [name, { handler, ...rest }] of Object.entries(service.functions)) {
      const events = (rest as { readonly events?: readonly { readonly httpApi?: string }[] }).events ?? [];
      const deployed = events.flatMap(({ httpApi }) => httpApi ?? []);
      const file = handler.replace('.out/', '').replace('/handler.handler', '/handler.ts');
      const handled = [...readFileSync(file, 'utf8').matchAll(/(?:fileRoute|route(?:WithBody|WithJobToken|OfEngine)?)\(\s*'([A-Z]+ \/[^']*)'/g)].map(
        ([, key = '']) => key,
      );
      expect([name, ...handled.toSorted()]).toEqual([name, ...deployed.toSorted()]);
      routes.push(...deployed);
    }
    expect(new Set(routes).size).toBe(routes.length);
  });
});

describe('modules', () => {
  const graph = new Map(['src', 'functions'].flatMap(sourcesBelow).map((file) => [file, importsOf(file)]));

  test('no imports go round in a circle', () => {
    expect(cycleOf(graph)).toEqual([]);
    const looped = new Map([...graph, ['src/domain/ids.ts', ['src/domain/run.ts']]]);
    expect(cycleOf(looped).length).toBeGreaterThan(2);
  });

  test('every import leads to a file', () => {
    const [missing] = [...graph].flatMap(([file, imports]) => imports.filter((to) => !existsSync(to)).map((to) => `${file} → ${to}`));
    expect(missing).toBeUndefined();
    expect([...graph.values()].flat().length).toBeGreaterThan(200);
  });

  test('no file is too long to be read at once', () => {
    const lines = (file: string): number => readFileSync(file, 'utf8').split('\n').length - 1;
    expect([...graph.keys()].filter((file) => lines(file) > 400)).toEqual([]);
  });

  test('every name of package.json for a layer is a folder', () => {
    // The two that come with the API's consumers may not be there yet.
    const coming = new Set(['#client/*', '#cli/*']);
    for (const [alias, target] of Object.entries(importsMap()))
      expect([alias, coming.has(alias) || existsSync(target.replace('/*.ts', ''))]).toEqual([alias, true]);
  });

  test('no file is called by a name that says nothing', () => {
    const nothing = /(?:^|\/)(?:utils?|helpers?|common|misc|manager|service|types|index)\.ts$/;
    expect([...graph.keys()].filter((file) => nothing.test(file))).toEqual([]);
  });
});

describe('CloudFormation', () => {
  const files = readdirSync('infra').filter((file) => file.endsWith('.yml'));
  const resources = new Map(
    files.flatMap((file) =>
      Object.entries((read(`infra/${file}`) as { readonly Resources?: Readonly<Record<string, unknown>> }).Resources ?? {}),
    ),
  );
  /** What the framework makes of a function: it needs its role, and what its environment names. */
  const generated = new Map<string, unknown>([
    ...Object.keys(service.functions).map((name): [string, unknown] => [
      `${name.charAt(0).toUpperCase()}${name.slice(1)}LambdaFunction`,
      [new Reference(['IamRoleLambdaExecution']), service.provider['environment'], service.functions[name]],
    ]),
    ['IamRoleLambdaExecution', read('infra/function-permissions.yml')],
  ]);

  const references = (value: unknown): readonly string[] => {
    if (value instanceof Reference) return value.names;
    if (typeof value !== 'object' || value === null) return [];
    return Object.values(value).flatMap(references);
  };
  const all = new Map([...resources, ...generated]);
  const graph = new Map([...all].map(([name, value]) => [name, [...new Set(references(value))].filter((to) => to !== name)]));

  test('no resources wait for each other, which the deployment would find too late', () => {
    expect(cycleOf(graph)).toEqual([]);
    expect(graph.get('RunStateMachine')).toContain('PlanRunLambdaFunction');
    // Were a function to name a state machine by reference, there would be one.
    expect(cycleOf(new Map([...graph, ['IamRoleLambdaExecution', ['RunStateMachine']]]))).toContain('RunStateMachine');
  });

  test('every reference leads to a resource', () => {
    const pseudo = /^(?:AWS|sls|opt|self|file)$/;
    const dangling = [...graph].flatMap(([name, to]) =>
      to.filter((one) => !all.has(one) && !pseudo.test(one)).map((one) => `${name} → ${one}`),
    );
    expect(dangling.filter((one) => !one.endsWith('AccountId'))).toEqual([]);
  });

  test('every fragment is included', () => {
    const text = readFileSync('serverless.yml', 'utf8');
    for (const file of files) expect(text).toContain(`\${file(infra/${file})}`);
  });

  test('the local table has the keys of the deployed one', async () => {
    const { serviceTable } = await import('#adapters/dynamodb/create-table');
    const { Properties } = resources.get('Table') as { readonly Properties: Readonly<Record<string, unknown>> };
    const { AttributeDefinitions, KeySchema, BillingMode } = serviceTable('any');
    expect({
      AttributeDefinitions: Properties['AttributeDefinitions'],
      KeySchema: Properties['KeySchema'],
      BillingMode: Properties['BillingMode'],
    }).toEqual({
      AttributeDefinitions,
      KeySchema,
      BillingMode,
    });
  });
});

describe('documents', () => {
  /** A tree as documents draw it: `├── name/   words`, nested by its indentation. */
  function foldersDrawn(text: string): readonly string[] {
    return [...text.matchAll(/```[^\n]*\n([^]*?)```/g)].flatMap(([, block = '']) => {
      const trail: string[] = [];
      return block.split('\n').flatMap((line) => {
        const drawn = /^((?:[│ ] {3})*)[├└]── ([\w.@-]+\/)/.exec(line);
        if (!drawn) return [];
        const depth = (drawn[1] ?? '').length / 4;
        trail.splice(depth, Infinity, drawn[2] ?? '');
        return [trail.join('')];
      });
    });
  }

  test.each(['README.md', 'docs/architecture.md'].filter((file) => existsSync(file)))('%s draws no folder that is not there', (file) => {
    expect(foldersDrawn(readFileSync(file, 'utf8')).filter((folder) => !existsSync(folder))).toEqual([]);
  });

  test('a drawn tree is read with its nesting', () => {
    const tree = '```\n.\n├── src/      core\n│   ├── domain/   rules\n│   └── hosts/\n└── test/\n```';
    expect(foldersDrawn(tree)).toEqual(['src/', 'src/domain/', 'src/hosts/', 'test/']);
  });
});
