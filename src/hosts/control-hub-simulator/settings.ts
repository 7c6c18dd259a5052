/** What `sluice control-hub-simulator` can be told. */
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { Switches, type SwitchSettings } from './switches.ts';

export const HELP = `Stands in for StreamSets Control Hub: the REST paths that a client of job templates uses, and jobs that do nothing
but take their time and count.

Usage: sluice control-hub-simulator [flags]

  --port NUMBER                 where it listens; 0 takes any free port            (18630)
  --host ADDRESS                the address it listens on                          (127.0.0.1)
  --jobs-take-seconds NUMBER    how long a job runs                                (5)
  --input-records NUMBER        what it counts                                     (1000)
  --output-records NUMBER                                                          (1000)
  --error-records NUMBER                                                           (0)
  --organization ID             the organization of all ids                        (simulated-org)
  --credential-id ID            the credential that it accepts                     (simulated-credential)
  --token TOKEN                 and its token                                      (derived from the organization)
  --webhook-url URL             POST every status change there
  --webhook-header 'NAME: VALUE'  with this header
  --switches JSON               faults and behaviour, as PUT /simulator/switches takes them
  --help

A job that was given SIMULATE_SECONDS, SIMULATE_END or another of the parameters that docs/control-hub-simulator.md lists
does as they say. Everything is forgotten when it stops.

Examples:
  sluice control-hub-simulator --jobs-take-seconds 30
  sluice control-hub-simulator --switches '{"faults":[{"route":"bulkStatus","fault":{"kind":"answer","status":503},"next":3}]}'
`;

export interface SimulatorSettings {
  readonly port: number;
  readonly host: string;
  readonly takesMs: number;
  readonly inputRecords: number;
  readonly outputRecords: number;
  readonly errorRecords: number;
  readonly organizationId: string;
  readonly credentialId: string;
  readonly token?: string;
  readonly webhook?: { readonly uri: string; readonly headers: Readonly<Record<string, string>> };
  readonly switches: SwitchSettings;
}

export type ParsedSettings =
  | { readonly kind: 'settings'; readonly settings: SimulatorSettings }
  | { readonly kind: 'help' }
  | { readonly kind: 'invalid'; readonly message: string };

const count = z.coerce.number().int().min(0);

const Flags = z.object({
  port: z.coerce.number().int().min(0).max(65_535).default(18_630),
  host: z.string().min(1).default('127.0.0.1'),
  'jobs-take-seconds': z.coerce.number().min(0).default(5),
  'input-records': count.default(1000),
  'output-records': count.default(1000),
  'error-records': count.default(0),
  organization: z.string().min(1).default('simulated-org'),
  'credential-id': z.string().min(1).default('simulated-credential'),
  token: z.string().min(1).optional(),
  'webhook-url': z.url().optional(),
  'webhook-header': z
    .string()
    .regex(/^[\w-]+:/, 'must be NAME: VALUE')
    .optional(),
  switches: z
    .string()
    .transform((text, context): unknown => {
      try {
        return JSON.parse(text) as unknown;
      } catch {
        context.addIssue('is no JSON');
        return z.NEVER;
      }
    })
    .pipe(Switches)
    .optional(),
});

export function parseSettings(words: readonly string[]): ParsedSettings {
  const flags = parsedFlags(words);
  if (typeof flags === 'string') return { kind: 'invalid', message: flags };
  if (flags['help'] === true) return { kind: 'help' };
  const parsed = Flags.safeParse(flags);
  if (!parsed.success) {
    const message = parsed.error.issues.map((issue) => `--${issue.path.join('.')}: ${issue.message}`).join('; ');
    return { kind: 'invalid', message };
  }
  const { data } = parsed;
  return {
    kind: 'settings',
    settings: {
      port: data.port,
      host: data.host,
      takesMs: Math.round(data['jobs-take-seconds'] * 1000),
      inputRecords: data['input-records'],
      outputRecords: data['output-records'],
      errorRecords: data['error-records'],
      organizationId: data.organization,
      credentialId: data['credential-id'],
      ...(data.token === undefined ? {} : { token: data.token }),
      ...(data['webhook-url'] === undefined ? {} : { webhook: { uri: data['webhook-url'], headers: headerOf(data['webhook-header']) } }),
      switches: data.switches ?? {},
    },
  };
}

function headerOf(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {};
  const at = text.indexOf(':');
  return { [text.slice(0, at)]: text.slice(at + 1).trim() };
}

function parsedFlags(words: readonly string[]): Readonly<Record<string, string | boolean | undefined>> | string {
  const text = { type: 'string' } as const;
  const options = Object.fromEntries(Object.keys(Flags.shape).map((name) => [name, text]));
  try {
    return parseArgs({ args: [...words], options: { ...options, help: { type: 'boolean', short: 'h' } } }).values;
  } catch (error) {
    return error instanceof Error ? error.message : 'unreadable flags';
  }
}
