/** Structured logs. Callers' values, tokens and URLs with a query are never logged: ids are. */
import { Logger } from '@aws-lambda-powertools/logger';

export const log = new Logger({ serviceName: 'sluice' });
