import { duckdbFixture, copyJob, ENDLESS } from './duckdb-fixture.ts';
import { engineContract } from './engine.contract.ts';

engineContract(async () => {
  const fixture = await duckdbFixture();
  fixture.input('people.csv', 'id,name\n1,Ada\n2,Grace\n3,Edsger,Dijkstra\n');
  return {
    engine: fixture.engine,
    endsWell: copyJob('csv', { SOURCE: 'people.csv', TARGET: 'people.csv' }),
    endsWellCounts: { inputRecordCount: 3, outputRecordCount: 2, errorRecordCount: 1 },
    fails: copyJob('csv', { SOURCE: 'people.csv', TARGET: 'people.csv' }, 'SELECT nobody FROM read_csv($source)'),
    failureMessage: 'nobody',
    endless: ENDLESS,
    elapse: () => undefined,
    close: () => fixture.close(),
  };
});
