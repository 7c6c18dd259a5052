/** What the API is, for machines: docs/openapi.json as it was built. Whoever asks needs no token, as for any manual. */
import { fileHandler, fileOf, fileRoute } from '#hosts/lambda/static-files';

/** Beside this module, where the build puts it. */
const file = fileOf(new URL('files/', import.meta.url), 'openapi.json');

export const handler = fileHandler([fileRoute('GET /openapi.json', file)]);
