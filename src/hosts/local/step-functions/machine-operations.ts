/** The operations on state machines. */
import type { JsonObject } from '#domain/json';
import { ApiError } from './api-error.ts';
import { type ApiParts, machineOf, type Operation } from './api-parts.ts';
import { executionAddressOf } from './arns.ts';
import { LOCAL_ROLE } from './context.ts';
import { found } from './executions-seen.ts';
import { durableIndex, eventReader, indexedExecution } from './history-page.ts';
import { checkDefinition, type MachineRecord, refusalOf, revisionOf } from './machines.ts';
import { checkName, type Input, optionalText, pageOf, text } from './requests.ts';

export function machineOperations(parts: ApiParts): Readonly<Record<string, Operation>> {
  const { machines } = parts;
  return {
    CreateStateMachine: (input) => create(parts, input),
    UpdateStateMachine: (input) => update(parts, input),
    ValidateStateMachineDefinition: (input) => Promise.resolve(validate(input)),
    DescribeStateMachineForExecution: (input) => describeForExecution(parts, text(input, 'executionArn')),
    DescribeStateMachine: (input) => Promise.resolve(describe(machineOf(parts, text(input, 'stateMachineArn')))),
    async DeleteStateMachine(input) {
      const arn = text(input, 'stateMachineArn');
      const record = machines.all().find((one) => one.arn === arn);
      if (record !== undefined) await machines.remove(record.name);
      return {};
    },
    ListStateMachines(input) {
      const listed = machines
        .all()
        .map(({ arn, name, createdAtMs }) => ({ stateMachineArn: arn, name, type: 'STANDARD', creationDate: createdAtMs / 1000 }));
      const { items, nextToken } = pageOf(listed, input);
      return Promise.resolve({ stateMachines: items, ...(nextToken !== undefined && { nextToken }) });
    },
  };
}

async function create({ machines, arns, nowMs }: ApiParts, input: Input): Promise<JsonObject> {
  const name = checkName(text(input, 'name'));
  const definition = text(input, 'definition');
  const type = optionalText(input, 'type') ?? 'STANDARD';
  refuseVersions(input);
  checkDefinition(definition, type === 'EXPRESS' ? 'EXPRESS' : 'STANDARD');
  if (type !== 'STANDARD')
    throw new ApiError('StateMachineTypeNotSupported', `State machines of type ${type} are not implemented by the local host`);
  const roleArn = optionalText(input, 'roleArn') ?? LOCAL_ROLE;
  const known = machines.find(name);
  if (known !== undefined) {
    if (known.definition !== definition || known.roleArn !== roleArn)
      throw new ApiError('StateMachineAlreadyExists', `State Machine Already Exists: '${known.arn}'`);
    return { stateMachineArn: known.arn, creationDate: known.createdAtMs / 1000 };
  }
  const record = { name, arn: arns.stateMachine(name), definition, roleArn, createdAtMs: nowMs(), revision: revisionOf(definition) };
  await machines.save(record);
  return { stateMachineArn: record.arn, creationDate: record.createdAtMs / 1000 };
}

async function update(parts: ApiParts, input: Input): Promise<JsonObject> {
  const known = machineOf(parts, text(input, 'stateMachineArn'));
  const [definition, roleArn] = [optionalText(input, 'definition'), optionalText(input, 'roleArn')];
  if (
    definition === undefined &&
    roleArn === undefined &&
    input['loggingConfiguration'] === undefined &&
    input['tracingConfiguration'] === undefined
  ) {
    throw new ApiError(
      'MissingRequiredParameter',
      'Either the definition, the role ARN, the LoggingConfiguration, or the TracingConfiguration must be specified',
    );
  }
  refuseVersions(input);
  if (definition !== undefined) checkDefinition(definition, 'STANDARD');
  const next = definition ?? known.definition;
  const updated = { ...known, definition: next, revision: revisionOf(next), roleArn: roleArn ?? known.roleArn, updatedAtMs: parts.nowMs() };
  await parts.machines.save(updated);
  return { updateDate: updated.updatedAtMs / 1000, revisionId: updated.revision };
}

function refuseVersions({ publish }: Input): void {
  if (publish === true)
    throw new ApiError('ValidationException', 'Versions of state machines (publish) are not implemented by the local host');
}

function describe({ arn, name, definition, roleArn, createdAtMs, revision, updatedAtMs }: MachineRecord): JsonObject {
  return {
    stateMachineArn: arn,
    name,
    status: 'ACTIVE',
    definition,
    roleArn,
    type: 'STANDARD',
    creationDate: createdAtMs / 1000,
    ...UNCONFIGURED,
    ...(updatedAtMs !== undefined && { revisionId: revision }),
  };
}

const UNCONFIGURED = { loggingConfiguration: { level: 'OFF', includeExecutionData: false }, tracingConfiguration: { enabled: false } };

/** The definition that the execution started with and goes on with, whatever has become of the machine. */
async function describeForExecution(parts: ApiParts, arn: string): Promise<JsonObject> {
  const { machineName, startedAtMs } = await found(parts, arn);
  const { key } = executionAddressOf(arn);
  const root = await indexedExecution(await durableIndex(parts, key), undefined);
  const [started] = root === undefined ? [] : await eventReader(parts.executions.store, key, root).between(1, 1);
  if (started?.type !== 'ExecutionStarted' || started.top === undefined)
    throw new ApiError('ExecutionDoesNotExist', `Execution Does Not Exist: '${arn}'`);
  const { revision } = started.top;
  const known = parts.machines.find(machineName);
  return {
    stateMachineArn: parts.arns.stateMachine(machineName),
    name: machineName,
    definition: await parts.machines.definition(revision),
    roleArn: known?.roleArn ?? LOCAL_ROLE,
    updateDate: (known?.updatedAtMs ?? known?.createdAtMs ?? startedAtMs) / 1000,
    ...UNCONFIGURED,
    ...(known?.updatedAtMs !== undefined && { revisionId: revision }),
  };
}

/** The first complaint alone: the parser stops at it. */
function validate(input: Input): JsonObject {
  const refused = refusalOf(text(input, 'definition'), optionalText(input, 'type') === 'EXPRESS' ? 'EXPRESS' : 'STANDARD');
  if (refused === undefined) return { result: 'OK', diagnostics: [], truncated: false };
  const { code, reason: message, location } = refused;
  return {
    result: 'FAIL',
    diagnostics: [{ severity: 'ERROR', code, message, ...(location !== undefined && { location }) }],
    truncated: false,
  };
}
