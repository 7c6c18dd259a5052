/** What is sent about jobs that report themselves: registrations, events, and wishes for tokens. */
import * as z from 'zod';
import { JOB_EVENT_NAMES } from '#domain/job-state';
import { TOKEN_EVENTS } from '#domain/job-token';
import { isTypedUuid } from '#domain/typed-uuid';
import { Time } from './instants.ts';
import { NamePatterns } from './job-archives.ts';
import { jsonObject } from './json-object.ts';

/** Of a registration, of an event and of a callback. An item of the table has 400 KB. */
export const EVENT_BYTES = 256 * 1024;
const NAME_LENGTH = 256;
const PARENTS = 50;
const PREFIX_LENGTH = 512;
const LONGEST_SECONDS = 366 * 86_400;

const seconds = (least: number): z.ZodInt => z.int().min(least).max(LONGEST_SECONDS);

export const RegisterJobRequest = z.strictObject({
  /** A typed UUID (106…), or a name. */
  pipeline: z
    .string()
    .min(1, 'must not be empty')
    .max(NAME_LENGTH, `must have at most ${NAME_LENGTH} characters`)
    .refine((text) => text.isWellFormed(), 'must be well-formed Unicode'),
  parents: z
    .array(z.string().refine((text) => isTypedUuid(text), 'must be a typed UUID, in small letters'))
    .max(PARENTS)
    .default([]),
  data: jsonObject.default({}),
  'archive-prefix': z
    .string()
    .max(PREFIX_LENGTH)
    .regex(/^(?:\/(?!\.{1,2}(?:\/|$))[^/\p{Cc}\\]+)+$/u, 'must be an absolute path without ., .. or an empty part')
    .exactOptional(),
  /** Which of the files below the archive path are outputs; all of them where none are given. */
  'archive-patterns': NamePatterns.exactOptional(),
  'expect-update-within-seconds': seconds(1).exactOptional(),
  deadline: Time.exactOptional(),
});
export type RegisterJobRequest = z.input<typeof RegisterJobRequest>;
export type ParsedRegisterJob = z.output<typeof RegisterJobRequest>;

/** What Idempotency-Key may be, too. */
export const EventId = z.string().regex(/^[!-~]{1,255}$/, 'must be 1 to 255 visible ASCII characters');

export const EventRequest = z.strictObject({
  name: z
    .string()
    .meta({ examples: JOB_EVENT_NAMES })
    .transform((text, context) => {
      const name = JOB_EVENT_NAMES.find((each) => each === text.toLowerCase());
      if (name !== undefined) return name;
      context.addIssue({ code: 'custom', message: `must be one of ${JOB_EVENT_NAMES.join(', ')}` });
      return z.NEVER;
    }),
  data: jsonObject.exactOptional(),
  id: EventId.exactOptional(),
  /** Of the job; where no header can be sent. */
  token: z.string().exactOptional(),
});
export type EventRequest = z.input<typeof EventRequest>;

export const TokenRequest = z.strictObject({
  /** Which events it is for; all that need no administrator where none are named. */
  events: z.array(z.enum(TOKEN_EVENTS)).min(1).exactOptional(),
  'expires-in-seconds': seconds(60).exactOptional(),
});
export type TokenRequest = z.infer<typeof TokenRequest>;
