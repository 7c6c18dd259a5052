/** The process of `npm start`. */
import { serve } from './serve.ts';

/** From `.out/app/src/hosts/local/main.js`, where the build puts this; through the link, so that a newer build changes nothing here. */
const app = new URL('../../../', import.meta.url);

process.exit(await serve('npm start --', process.argv.slice(2), app));
