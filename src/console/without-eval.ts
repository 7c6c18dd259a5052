/**
 * zod makes code at run time where it may. The console's policy forbids that, and trying it would be reported with every
 * visit. Imported before any schema is made: a schema decides when it is made.
 */
import * as z from 'zod';

z.config({ jitless: true });
