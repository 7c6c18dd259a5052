/**
 * Which statements a template may hold, by the words they begin with. This is a courtesy to authors, who learn of a mistake at
 * registration; what keeps a statement from the machine is the lock-down of the database (database.ts).
 */
import type { DefinitionProblem } from '#domain/engine-job';
import type { DuckdbDefinition } from './definition.ts';

const QUERIES = ['SELECT', 'WITH', 'FROM', 'VALUES'];
const CHANGES = ['INSERT', 'UPDATE', 'DELETE', 'MERGE', 'ALTER', 'DROP'];
const CREATABLE = ['TABLE', 'VIEW', 'MACRO', 'FUNCTION', 'TYPE', 'SEQUENCE', 'SCHEMA', 'INDEX'];
const MODIFIERS = ['OR', 'REPLACE', 'TEMP', 'TEMPORARY', 'UNIQUE', 'RECURSIVE'];
const BLANK = /(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|\()+/y;
const WORD = /[A-Za-z_]+/y;

/** A statement of a definition and where it stands. */
export interface PlacedStatement {
  readonly pointer: string;
  readonly sql: string;
}

export function statementsOf(definition: DuckdbDefinition): readonly PlacedStatement[] {
  const stages = (definition.stages ?? []).map(({ sql }, index) => ({ pointer: `/stages/${index}/sql`, sql }));
  return [...stages, { pointer: '/target/sql', sql: definition.target.sql }];
}

export function refusedStatements(definition: DuckdbDefinition): readonly DefinitionProblem[] {
  const problems: DefinitionProblem[] = [];
  const refuse = (pointer: string, message: string): void => {
    problems.push({ pointer, rule: 'statement-not-allowed', message });
  };
  (definition.stages ?? []).forEach(({ sql, role }, index) => {
    const words = leadingWords(sql);
    const pointer = `/stages/${index}/sql`;
    if (!isStageStatement(words)) refuse(pointer, `a stage may not hold ${spoken(words)}; ${STAGE_RULE}`);
    else if (role !== undefined && !countsRows(words))
      refuse(pointer, `the rows of a stage with a role are counted, so it is CREATE TABLE … AS or INSERT`);
  });
  const words = leadingWords(definition.target.sql);
  if (!QUERIES.includes(words[0] ?? '')) refuse('/target/sql', `the target is written from a query, and not from ${spoken(words)}`);
  return problems;
}

const STAGE_RULE = 'allowed are CREATE of tables, views, macros and types, INSERT, UPDATE, DELETE, MERGE, ALTER, DROP and queries';

function spoken(words: readonly string[]): string {
  return words.length === 0 ? 'nothing' : words.slice(0, 2).join(' ');
}

function isStageStatement([first = '', ...rest]: readonly string[]): boolean {
  if (first === 'CREATE') return CREATABLE.includes(rest.find((word) => !MODIFIERS.includes(word)) ?? '');
  return QUERIES.includes(first) || CHANGES.includes(first);
}

function countsRows([first = '', ...rest]: readonly string[]): boolean {
  return first === 'INSERT' || (first === 'CREATE' && rest.find((word) => !MODIFIERS.includes(word)) === 'TABLE');
}

/** The first words in upper case; comments and opening brackets before and between them do not count. */
function leadingWords(sql: string): readonly string[] {
  const words: string[] = [];
  for (let at = 0; words.length < 6;) {
    BLANK.lastIndex = at;
    at += BLANK.exec(sql)?.[0].length ?? 0;
    WORD.lastIndex = at;
    const word = WORD.exec(sql)?.[0];
    if (word === undefined) break;
    words.push(word.toUpperCase());
    at += word.length;
  }
  return words;
}
