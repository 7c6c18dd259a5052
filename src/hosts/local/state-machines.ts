/** Registers the machines with the embedded Step Functions, as infra/state-machines.yml does on AWS. */
import { readFileSync } from 'node:fs';
import type { Json } from '#domain/json';
import { functionArn, LOCAL_ACCOUNT, LOCAL_REGION, LOCAL_STAGE } from './functions.ts';

const MACHINES = ['run', 'watch', 'nudge'] as const;
export type MachineName = (typeof MACHINES)[number];

export const stateMachineArn = (name: MachineName): string =>
  `arn:aws:states:${LOCAL_REGION}:${LOCAL_ACCOUNT}:stateMachine:sluice-${LOCAL_STAGE}-${name}`;

/** `${PlanRunFunctionArn}` is the ARN of the function `planRun`. */
export function substituted(definition: string): string {
  return definition.replaceAll(/\$\{(\w)(\w*)FunctionArn\}/g, (_, first: string, rest: string) => functionArn(first.toLowerCase() + rest));
}

type Call = (operation: string, input: Json) => Promise<{ readonly status: number; readonly body: Json }>;

/** A changed definition holds for new executions; those under way keep the one they started with. */
export async function registerStateMachines(call: Call, folder: URL): Promise<void> {
  for (const name of MACHINES) {
    const definition = substituted(readFileSync(new URL(`${name}.asl.json`, folder), 'utf8'));
    const machine = { name: `sluice-${LOCAL_STAGE}-${name}`, definition, roleArn: `arn:aws:iam::${LOCAL_ACCOUNT}:role/sluice` };
    const created = await call('CreateStateMachine', machine);
    if (created.status === 200) continue;
    const updated = await call('UpdateStateMachine', { stateMachineArn: stateMachineArn(name), definition });
    if (updated.status !== 200) throw new Error(`The state machine ${name} was refused: ${JSON.stringify(updated.body)}`);
  }
}
