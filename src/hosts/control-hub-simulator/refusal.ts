/** An error as Control Hub tells it: `{"ISSUES":[{code,message}]}`. Codes that begin with SIMULATOR_ are ours, the contract knows none. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const refused = (status: number, code: string, message: string): Refusal => new Refusal(status, code, message);

export const issuesBody = (code: string, message: string): string => JSON.stringify({ ISSUES: [{ code, message }] });
