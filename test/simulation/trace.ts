/** What happened, step by step. Kept only where somebody wants to read it: the same seed happens again. */
export interface Trace {
  note(line: () => string): void;
  readonly lines: readonly string[];
}

export const NO_TRACE: Trace = { note: () => undefined, lines: [] };

export function keptTrace(nowMs: () => number): Trace {
  const lines: string[] = [];
  return {
    lines,
    note: (line) => lines.push(`${new Date(nowMs()).toISOString().slice(11, 23)} ${line()}`),
  };
}

/** What was promised and not kept: the first of it, where it was seen. */
export interface Verdict {
  readonly violation: string | undefined;
  fail(message: string): void;
}

export function openVerdict(trace: Trace): Verdict {
  const verdict = {
    violation: undefined as string | undefined,
    fail(message: string): void {
      trace.note(() => `VIOLATION: ${message}`);
      verdict.violation ??= message;
    },
  };
  return verdict;
}
