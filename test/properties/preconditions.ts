/** What a request says about the version that it means, and whether that holds (RFC 9110, 13.1). */
import { expect } from 'vitest';
import { slug } from '#test/functions/api';
import type { Answer } from '#test/functions/http-call';

export interface Condition {
  readonly header: 'if-match' | 'if-none-match';
  readonly value: 'this' | 'other' | 'any' | 'weak' | 'list' | 'malformed';
}

/** `version`: of what is there now. */
export function headersOf(condition: Condition | undefined, version: number | undefined): Readonly<Record<string, string>> {
  if (condition === undefined) return {};
  const number = version ?? 1;
  const texts = {
    this: `"${number}"`,
    other: `"${number + 1}"`,
    any: '*',
    weak: `W/"${number}"`,
    list: `"999", "${number}"`,
    malformed: String(number),
  };
  return { [condition.header]: texts[condition.value] };
}

/** Whether what is there is of a version that the condition names: `If-Match` compares strongly, hence never with a weak tag. */
function isNamed({ header, value }: Condition, version: number | undefined): boolean {
  if (version === undefined || value === 'other') return false;
  return value !== 'weak' || header === 'if-none-match';
}

export function holds(condition: Condition | undefined, version: number | undefined): boolean {
  return condition === undefined || isNamed(condition, version) === (condition.header === 'if-match');
}

/** What changes something says first that a header cannot be read. */
export function expectMalformedCondition(answer: Answer, condition: Condition | undefined): boolean {
  if (condition?.value !== 'malformed') return false;
  const pointers = answer.body.errors?.map(({ pointer }) => pointer);
  expect([answer.status, slug(answer), pointers]).toEqual([400, 'invalid-request', [condition.header]]);
  return true;
}

export function expectPreconditionFailed(answer: Answer, version: number | undefined): void {
  const etag = version === undefined ? undefined : `"${version}"`;
  expect([answer.status, slug(answer), answer.headers['etag']]).toEqual([412, 'precondition-failed', etag]);
}

/** An answer to who reads: in full, unless he has it already. What he asks for otherwise, or not so that it can be read, is passed over. */
export function expectGot(answer: Answer, condition: Condition | undefined, version: number | undefined): void {
  if (version === undefined) {
    expect([answer.status, slug(answer)]).toEqual([404, 'not-found']);
    return;
  }
  const isSeen = condition?.header === 'if-none-match' && condition.value !== 'malformed' && isNamed(condition, version);
  expect([answer.status, answer.headers['etag'], answer.body['version']]).toEqual([
    isSeen ? 304 : 200,
    `"${version}"`,
    isSeen ? undefined : version,
  ]);
}
