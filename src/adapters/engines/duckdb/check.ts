/** What is wrong with a definition: its shape first, then its statements, then their syntax, which only DuckDB knows. */
import type { DefinitionProblem } from '#domain/engine-job';
import type { JsonObject } from '#domain/json';
import { parseDefinition } from './definition.ts';
import { refusedStatements, statementsOf } from './statements.ts';
import type { CheckedStatement } from './protocol.ts';

/** Parses without running; tables need not exist. One answer for each statement, in order. */
export type CheckSyntax = (statements: readonly string[]) => Promise<readonly CheckedStatement[]>;

export async function checkDefinition(definition: JsonObject, checkSyntax: CheckSyntax): Promise<readonly DefinitionProblem[]> {
  const parsed = parseDefinition(definition);
  if (parsed.kind === 'problems') return parsed.problems;
  const refused = refusedStatements(parsed.definition);
  const refusedPointers = new Set(refused.map(({ pointer }) => pointer));
  const placed = statementsOf(parsed.definition).filter(({ pointer }) => !refusedPointers.has(pointer));
  const checked = placed.length === 0 ? [] : await checkSyntax(placed.map(({ sql }) => sql));
  const malformed = placed.flatMap(({ pointer }, index) => {
    const message = syntaxProblem(checked[index]);
    return message === undefined ? [] : [{ pointer, rule: 'sql', message }];
  });
  return [...refused, ...malformed];
}

function syntaxProblem(checked: CheckedStatement | undefined): string | undefined {
  if (checked === undefined) return undefined;
  switch (checked.kind) {
    case 'one-statement':
      return undefined;
    case 'several-statements':
      return `one statement is expected, ${checked.count} were found (a PIVOT without IN list counts as several)`;
    case 'unparsable':
      return checked.message;
  }
}
