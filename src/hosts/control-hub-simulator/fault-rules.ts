/** Which fault strikes a call, and what it makes of an answer. */
import { issuesBody } from './refusal.ts';
import type { Fault, FaultRule } from './switches.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const JSON_HEADERS = { 'content-type': 'application/json' };

export const jsonAnswer = (status: number, body: unknown): Answer => ({ status, headers: JSON_HEADERS, body: JSON.stringify(body) });
export const issuesAnswer = (status: number, code: string, message: string): Answer => ({
  status,
  headers: JSON_HEADERS,
  body: issuesBody(code, message),
});

/** The faults of this call, latency beside at most one other; each rule that strikes or lets pass counts down. */
export function strikingFaults(
  rules: readonly FaultRule[],
  route: string,
): { readonly latencyMs: number; readonly fault: Fault | undefined } {
  let latencyMs = 0;
  let fault: Fault | undefined;
  for (const rule of rules) {
    if ((rule.route !== '*' && rule.route !== route) || rule.next === 0) continue;
    if (rule.fault.kind !== 'latency' && fault) continue;
    if (rule.after !== undefined && rule.after > 0) {
      rule.after -= 1;
      continue;
    }
    if (rule.next !== undefined) rule.next -= 1;
    if (rule.fault.kind === 'latency') latencyMs += rule.fault.ms;
    else fault = rule.fault;
  }
  return { latencyMs, fault };
}

const HTML = '<!DOCTYPE html><html><head><title>Error</title></head><body><h1>The server is unavailable</h1></body></html>';

export function faultAnswer(fault: Fault & { readonly kind: 'answer' }): Answer {
  const headers: Record<string, string> = {
    ...(fault.retryAfter === undefined ? {} : { 'retry-after': fault.retryAfter }),
    ...(fault.location === undefined ? {} : { location: fault.location }),
  };
  switch (fault.body) {
    case 'issues':
      return { ...issuesAnswer(fault.status, fault.code, fault.message), headers: { ...JSON_HEADERS, ...headers } };
    case 'html':
      return { status: fault.status, headers: { 'content-type': 'text/html', ...headers }, body: HTML };
    case 'text':
      return { status: fault.status, headers: { 'content-type': 'text/plain', ...headers }, body: fault.message };
    case 'empty':
      return { status: fault.status, headers, body: '' };
  }
}

/** The right answer, spoilt. */
export function spoiltAnswer(fault: Fault, answer: Answer): Answer {
  switch (fault.kind) {
    case 'truncated':
      return { ...answer, body: answer.body.slice(0, Math.floor(answer.body.length / 2)) };
    case 'huge':
      // White space at the end: still JSON, for whoever reads it all.
      return { ...answer, body: answer.body.padEnd(fault.bytes, ' ') };
    case 'unknown-enum':
      return answer.status === 200 && answer.body !== ''
        ? { ...answer, body: JSON.stringify(unknownEnums(fault, JSON.parse(answer.body))) }
        : answer;
    case 'answer':
    case 'drop':
    case 'hang':
    case 'latency':
    case 'twice':
      return answer;
  }
}

function unknownEnums(fault: Fault & { readonly kind: 'unknown-enum' }, value: unknown): unknown {
  let left = fault.jobs ?? Infinity;
  const walk = (each: unknown): unknown => {
    if (Array.isArray(each)) return each.map(walk);
    if (typeof each !== 'object' || each === null) return each;
    const isJobStatus = 'status' in each && 'color' in each && left > 0;
    if (!isJobStatus) return Object.fromEntries(Object.entries(each).map(([key, inner]) => [key, walk(inner)]));
    left -= 1;
    return {
      ...each,
      ...(fault.status === undefined ? {} : { status: fault.status }),
      ...(fault.color === undefined ? {} : { color: fault.color }),
    };
  };
  return walk(value);
}
