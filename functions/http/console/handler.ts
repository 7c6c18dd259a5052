/** The web console: static files, which need no token. What they show comes from the API, with the token of who looks. */
import { fileHandler, fileRoute, filesOf } from '#hosts/lambda/static-files';

/** Beside this module, where the build puts them. */
const files = filesOf(new URL('files/', import.meta.url));

export const handler = fileHandler([
  // Relative, because a stage may stand before it; and to the file, because a gateway need not match an empty rest of the path.
  fileRoute('GET /console', () => ({ statusCode: 302, headers: { location: 'console/index.html', 'cache-control': 'no-cache' } })),
  fileRoute('GET /console/{proxy+}', files),
]);
