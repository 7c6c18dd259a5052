/**
 * The names of machines, executions, Map Runs and their children. A child's name holds its top-level execution's and a `~`, which no
 * name that a caller chooses may contain: the ARN alone leads to the journal that has the child's events.
 */
import { ApiError } from './api-error.ts';

export interface ArnSpace {
  stateMachine(name: string): string;
  execution(machineName: string, name: string): string;
  childExecution(machineName: string, label: string, rootName: string, ordinal: number): string;
  mapRun(machineName: string, label: string, rootName: string, run: number): string;
}

export function arnSpace(region: string, account: string): ArnSpace {
  const arn = (rest: string): string => `arn:aws:states:${region}:${account}:${rest}`;
  return {
    stateMachine: (name) => arn(`stateMachine:${name}`),
    execution: (machineName, name) => arn(`execution:${machineName}:${name}`),
    childExecution: (machineName, label, rootName, ordinal) => arn(`execution:${machineName}/${label}:${childName(rootName, ordinal)}`),
    mapRun: (machineName, label, rootName, run) => arn(`mapRun:${machineName}/${label}:${rootName}~${run}`),
  };
}

export function childName(rootName: string, ordinal: number): string {
  return `${rootName}~${ordinal}`;
}

export interface ExecutionAddress {
  readonly key: string;
  readonly machineName: string;
  readonly ordinal?: number;
}

const SHAPE = /^arn:[^:]+:states:[^:]*:[^:]*:([A-Za-z]+):(.+)$/;

function parts(arn: string, kind: string): string {
  const [, found, rest] = SHAPE.exec(arn) ?? [];
  if (found === undefined || rest === undefined) throw new ApiError('InvalidArn', `Invalid Arn: 'Invalid ARN prefix: ${arn}'`);
  if (found !== kind) throw new ApiError('InvalidArn', `Invalid Arn: 'Resource type not valid in this context: ${found}'`);
  return rest;
}

export function machineNameOf(arn: string): string {
  return parts(arn, 'stateMachine');
}

export function executionAddressOf(arn: string): ExecutionAddress {
  const [machine = '', name = ''] = parts(arn, 'execution').split(':');
  const [machineName = ''] = machine.split('/');
  const [rootName = '', ordinal] = name.split('~');
  return { key: `${machineName}/${rootName}`, machineName, ...(ordinal !== undefined && { ordinal: Number(ordinal) }) };
}

export function mapRunAddressOf(arn: string): { readonly key: string; readonly run: number } {
  const [machine = '', name = ''] = parts(arn, 'mapRun').split(':');
  const [machineName = ''] = machine.split('/');
  const [rootName = '', run] = name.split('~');
  return { key: `${machineName}/${rootName}`, run: Number(run) };
}
