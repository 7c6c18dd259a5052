/** Imported first: an older Node ends with a syntax error or a missing function somewhere, which tells nobody what to do. */
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const [needed, here] = [engines.node, process.version].map((text) => text.match(/\d+/g).map(Number));

if (here[0] < needed[0] || (here[0] === needed[0] && here[1] < needed[1])) {
  process.stderr.write(
    `sluice: this is Node ${process.version}, which is too old.\nWhy: Sluice needs Node ${engines.node}.\nNext: install a newer Node, or choose one (nvm use 24)\n`,
  );
  process.exit(70);
}
