/** List prices, us-east-1, USD, first tier, without any free tier. Other regions differ a little. */

/** Per state transition of a Standard workflow. https://aws.amazon.com/step-functions/pricing/ */
const TRANSITION = 25e-6;
/** Per request. https://aws.amazon.com/lambda/pricing/ */
const INVOCATION = 0.2e-6;
/** arm64. */
const GB_SECOND = 13.3334e-6;
/** Per write and read request unit, on demand. https://aws.amazon.com/dynamodb/pricing/on-demand/ */
const WRITE_UNIT = 0.625e-6;
const READ_UNIT = 0.125e-6;
/** Per call of up to 512 KB. https://aws.amazon.com/api-gateway/pricing/ */
const HTTP_CALL = 1e-6;

/** What AWS bills. */
export interface Billed {
  readonly transitions: number;
  readonly invocations: number;
  readonly gbSeconds: number;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly httpCalls: number;
}

export interface Priced {
  readonly stepFunctions: number;
  readonly lambda: number;
  readonly writes: number;
  readonly reads: number;
  readonly http: number;
  readonly total: number;
}

/** In USD. */
export function priced(billed: Billed): Priced {
  const parts = {
    stepFunctions: billed.transitions * TRANSITION,
    lambda: billed.invocations * INVOCATION + billed.gbSeconds * GB_SECOND,
    writes: billed.writeUnits * WRITE_UNIT,
    reads: billed.readUnits * READ_UNIT,
    http: billed.httpCalls * HTTP_CALL,
  };
  return { ...parts, total: Object.values(parts).reduce((sum, part) => sum + part, 0) };
}
