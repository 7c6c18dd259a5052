import { engineContract, type EngineHarness } from '#test/adapters/engines/engine.contract';
import { hubFixture, type Fixture } from './hub-fixture.ts';

engineContract(() => harnessOf(hubFixture()));

function harnessOf(fixture: Fixture): EngineHarness {
  const definition = { 'job-template-id': fixture.templateId };
  return {
    engine: fixture.engine,
    shortcomings: {
      tellsNobody: 'Control Hub is asked; what it pushes only wakes the watch loop',
      startsAgain: 'a start has no key of ours: whoever repeats one looks for the name first',
    },
    endsWell: {
      definition,
      parameters: {
        SIMULATE_SECONDS: 30,
        SIMULATE_INPUT_RECORDS: 500,
        SIMULATE_OUTPUT_RECORDS: 490,
        SIMULATE_ERROR_RECORDS: 10,
        SIMULATE_METRICS_SECONDS: 0,
      },
    },
    endsWellCounts: { inputRecordCount: 500, outputRecordCount: 490, errorRecordCount: 10 },
    fails: { definition, parameters: { SIMULATE_SECONDS: 30, SIMULATE_END: 'INACTIVE_RED', SIMULATE_ERROR_MESSAGE: 'disk on fire' } },
    failureMessage: 'disk on fire',
    endless: { definition, parameters: { SIMULATE_STREAMING: true } },
    elapse: () => {
      fixture.clock.advance(10);
    },
    restart: () => harnessOf(fixture.restarted()),
    close: () => undefined,
  };
}
