import type { JsonObject } from '#domain/json';
import { BEGIN_MS, harness, type Harness, type HarnessOptions, returned } from './harness.ts';

const CAUGHT: JsonObject = { Type: 'Pass', End: true };

/** One task that is parked on its token, caught into `Caught`. */
export function parked(fields: JsonObject = {}): JsonObject {
  return {
    QueryLanguage: 'JSONata',
    StartAt: 'Park',
    States: {
      Park: {
        Type: 'Task',
        Resource: 'arn:aws:states:::lambda:invoke.waitForTaskToken',
        Arguments: {
          FunctionName: 'park',
          Payload: { token: '{% $states.context.Task.Token %}', tries: '{% $states.context.State.RetryCount %}' },
        },
        Catch: [{ ErrorEquals: ['States.ALL'], Next: 'Caught' }],
        ...fields,
        End: true,
      },
      Caught: CAUGHT,
    },
  };
}

/** The same machine as the children of a distributed Map: so many of them, or one per item of an expression. */
export function distributed(items: number | string, { StartAt, States }: JsonObject, fields: JsonObject = {}): JsonObject {
  return {
    QueryLanguage: 'JSONata',
    StartAt: 'Fan',
    States: {
      Fan: {
        Type: 'Map',
        Label: 'Jobs',
        Items: typeof items === 'number' ? `{% [1..${items}] %}` : `{% ${items} %}`,
        ItemProcessor: {
          ProcessorConfig: { Mode: 'DISTRIBUTED', ExecutionType: 'STANDARD' },
          StartAt: StartAt ?? null,
          States: States ?? null,
        },
        Output: {},
        ...fields,
        End: true,
      },
    },
  };
}

export interface Parked {
  readonly token: string;
  readonly tries: number;
}

export function parking(options: HarnessOptions = {}): { readonly sfn: Harness; readonly seen: Parked[] } {
  const seen: Parked[] = [];
  const sfn = harness((_name, payload) => {
    seen.push(payload as unknown as Parked);
    return returned({});
  }, options);
  return { sfn, seen };
}

export async function startParked(sfn: Harness, fields: JsonObject = {}): Promise<string> {
  const arn = await sfn.start(await sfn.create(parked(fields)), {});
  await sfn.clock.settle();
  return arn;
}

export const secondsRun = (sfn: Harness): number => (sfn.clock.nowMs() - BEGIN_MS) / 1000;
