import { duckdbFixture, copyJob, ENDLESS, type DuckdbFixture } from './duckdb-fixture.ts';
import { engineContract, type EngineHarness } from './engine.contract.ts';

engineContract(async () => {
  const fixture = await duckdbFixture();
  fixture.input('people.csv', 'id,name\n1,Ada\n2,Grace\n3,Edsger,Dijkstra\n');
  return harnessOf(fixture);
});

function harnessOf(fixture: DuckdbFixture): EngineHarness {
  return {
    engine: fixture.engine,
    endsWell: copyJob('csv', { SOURCE: 'people.csv', TARGET: 'people.csv' }),
    endsWellCounts: { inputRecordCount: 3, outputRecordCount: 2, errorRecordCount: 1 },
    fails: copyJob('csv', { SOURCE: 'people.csv', TARGET: 'people.csv' }, 'SELECT nobody FROM read_csv($source)'),
    failureMessage: 'nobody',
    endless: ENDLESS,
    elapse: () => undefined,
    async restart() {
      await fixture.restart();
      return harnessOf(fixture);
    },
    close: () => fixture.close(),
  };
}
