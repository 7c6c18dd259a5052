import type { Command, Model, ModelRun, Real } from './model.ts';

/** Commands about one run, chosen by number among those that there are. */
export abstract class OfRun implements Command {
  protected readonly chosen: number;
  protected readonly limit: number;
  constructor(chosen: number, limit: number) {
    this.chosen = chosen;
    this.limit = limit;
  }
  check({ runs }: Readonly<Model>): boolean {
    return runs.length > 0;
  }
  async run(model: Model, real: Real): Promise<void> {
    const run = model.runs[this.chosen % model.runs.length];
    if (run) await this.about(run, model, real);
  }
  protected abstract about(run: ModelRun, model: Model, real: Real): Promise<void>;
  toString(): string {
    return `${this.constructor.name}(${this.chosen}, ${this.limit})`;
  }
}
