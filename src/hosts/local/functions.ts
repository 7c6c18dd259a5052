/** The functions of the service, in this process: what Lambda is on AWS. Each handler module is loaded when it is first needed. */
import type { Json } from '#domain/json';
import type { ServiceMap } from './service-map.ts';
import type { InvokeFunction, InvokeOutcome } from './step-functions/ports.ts';

export type LoadModule = (path: string) => Promise<unknown>;
type Handler = (event: unknown) => Promise<unknown>;

export interface LocalFunctions {
  /** Rejects where the function throws, like a handler that is called. */
  call(functionName: string, event: unknown): Promise<unknown>;
  /** By name or ARN, as Step Functions invokes. */
  readonly invoke: InvokeFunction;
  /** Resolves when no call is under way. */
  idle(): Promise<void>;
}

export const LOCAL_REGION = 'local';
export const LOCAL_ACCOUNT = '000000000000';
export const LOCAL_STAGE = 'local';

export function functionArn(name: string): string {
  return `arn:aws:lambda:${LOCAL_REGION}:${LOCAL_ACCOUNT}:function:sluice-${LOCAL_STAGE}-${name}`;
}

export function localFunctions(service: ServiceMap, load: LoadModule): LocalFunctions {
  const loaded = new Map<string, Promise<Handler>>();
  const handlerOf = (name: string): Promise<Handler> | undefined => {
    const path = service.handlers.get(name);
    if (path === undefined) return undefined;
    const handler = loaded.get(name) ?? load(path).then(exportedHandler);
    loaded.set(name, handler);
    return handler;
  };
  const underWay = new Set<Promise<unknown>>();
  const counted = <Result>(call: Promise<Result>): Promise<Result> => {
    const ended = call.then(forget, forget);
    function forget(): void {
      underWay.delete(ended);
    }
    underWay.add(ended);
    return call;
  };
  return {
    async call(functionName, event) {
      const handler = handlerOf(functionName);
      if (!handler) throw new Error(`serverless.yml has no function ${functionName}`);
      return counted(handler.then((handle) => handle(event)));
    },
    async invoke(functionName, payload) {
      const handler = handlerOf(nameOf(functionName));
      return handler ? counted(invoked(handler, payload)) : { kind: 'no-such-function' };
    },
    async idle() {
      while (underWay.size > 0) await Promise.all(underWay);
    },
  };
}

const nameOf = (nameOrArn: string): string => nameOrArn.split(':').at(-1)?.replace(`sluice-${LOCAL_STAGE}-`, '') ?? nameOrArn;

function exportedHandler(module: unknown): Handler {
  const { handler } = module as { readonly handler?: Handler };
  if (typeof handler !== 'function') throw new Error('a function module must export its handler');
  return handler;
}

/** What Lambda does around a handler: the event and the result pass as JSON, an error passes as its name and message. */
async function invoked(handler: Promise<Handler>, payload: Json): Promise<InvokeOutcome> {
  try {
    const result = await (await handler)(structuredClone(payload));
    return { kind: 'returned', payload: result === undefined ? null : (JSON.parse(JSON.stringify(result)) as Json) };
  } catch (error) {
    const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
    return { kind: 'threw', errorType: name, errorMessage: message, stackTrace: stack?.split('\n').slice(1, 4) ?? [] };
  }
}
