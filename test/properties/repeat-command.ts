/** Sending a request once more, whatever has happened since. */
import type { Command, Model, Real } from './model.ts';

export class Repeat implements Command {
  private readonly chosen: number;
  constructor(chosen: number) {
    this.chosen = chosen;
  }
  check({ asked }: Readonly<Model>): boolean {
    return asked.length > 0;
  }
  async run(model: Model, real: Real): Promise<void> {
    await model.asked[this.chosen % model.asked.length]?.run(model, real);
  }
  toString(): string {
    return `Repeat(${this.chosen})`;
  }
}
