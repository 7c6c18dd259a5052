/** `sluice token`: the token that the other commands would use, for curl and for other programs. */
import { CommandFailure, type Command } from './command.ts';

export const tokenShow: Command = {
  group: 'token',
  name: 'show',
  summary: 'Prints the API token: of --token, SLUICE_TOKEN or the local service.',
  operands: [],
  flags: {},
  fields: [],
  examples: ['curl -H "authorization: Bearer $(sluice token show)" http://127.0.0.1:8888/v1/runs'],
  undone: 'there is no token to show',
  run({ token, stdout }) {
    if (token === undefined) {
      const why = 'neither --token nor SLUICE_TOKEN is given, and the data directory holds no token file';
      const next = 'start the service once (npm start, or sluice serve), or name its directory with --data-dir.';
      return Promise.reject(new CommandFailure(4, { what: tokenShow.undone, why, next }));
    }
    stdout.write(`${token}\n`);
    return Promise.resolve(0);
  },
};
