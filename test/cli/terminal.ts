/** The command line without a process: words in, what it printed and its exit code out. */
import { readFileSync, writeFileSync } from 'node:fs';
import type { Output } from '#cli/command';
import { sluice, type Surroundings } from '#cli/sluice';
import type { Service } from '#test/support/service';

export interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export type Terminal = (...words: readonly string[]) => Promise<Printed>;

interface Collected extends Output {
  text: string;
}

function collected(isTTY: boolean): Collected {
  return {
    text: '',
    isTTY,
    write(text) {
      this.text += text;
    },
  };
}

export interface TerminalOptions extends Partial<Pick<Surroundings, 'environment' | 'fetch' | 'pace'>> {
  readonly isTTY?: boolean;
}

let names = 0;

export function terminal({ environment = {}, isTTY = false, ...rest }: TerminalOptions = {}): Terminal {
  return async (...words) => {
    const [stdout, stderr] = [collected(isTTY), collected(isTTY)];
    const code = await sluice(words, {
      ...rest,
      environment,
      stdout,
      stderr,
      userName: 'ada',
      newRunName: (user) => `${user}-generated-${(names += 1)}`,
      readText: (path) => readFileSync(path, 'utf8'),
      writeSecret: (path, text) => {
        writeFileSync(path, text, { mode: 0o600 });
      },
    });
    return { code, stdout: stdout.text, stderr: stderr.text };
  };
}

export const terminalOf = ({ host }: Service, options: TerminalOptions = {}): Terminal =>
  terminal({ environment: { SLUICE_URL: host.url, SLUICE_TOKEN: host.token }, ...options });
