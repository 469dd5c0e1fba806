/** How the server answers the legs of a query. */
import type { CallOptions } from '../port.js';
import type { PlanQuery, QueryPlans } from '../inspection.js';
import { createPgCatalog } from './catalog.js';
import type { Database, Statement } from './database.js';
import { keywordLeg } from './keyword-leg.js';
import { createProgress } from './progress.js';
import { vectorLeg } from './vector-leg.js';

const K = 10;

/** Runs both legs, and has the server explain each statement that they ran. */
export async function explainLegs(
  database: Database,
  collection: string,
  { text, vector }: PlanQuery,
  options?: CallOptions,
): Promise<QueryPlans> {
  const located = await createPgCatalog(database, createProgress()).get(collection, options);
  const filter = { kind: 'all' } as const;
  return {
    vector: await explained(database, options, (recorded) =>
      vectorLeg(recorded, located, { vector, k: K, filter }, options),
    ),
    keyword: await explained(database, options, (recorded) =>
      keywordLeg(recorded, located, { text, k: K, filter }, options),
    ),
  };
}

async function explained(
  database: Database,
  options: CallOptions | undefined,
  run: (recorded: Database) => Promise<unknown>,
): Promise<readonly string[]> {
  const statements: Statement[] = [];
  await run({
    ...database,
    query: (statement, given) => {
      statements.push(statement);
      return database.query(statement, given);
    },
  });
  const lines: string[] = [];
  for (const { text, values } of statements) {
    const rows = await database.query(
      { text: `explain (costs off) ${text}`, ...(values === undefined ? {} : { values }) },
      options,
    );
    lines.push(...rows.map((row) => withoutValues(String(row['QUERY PLAN']))));
  }
  return lines;
}

/** Vectors and lists of keys are long, and nobody reads them. */
function withoutValues(line: string): string {
  return line.replaceAll(/'[[{][^'\]}]*[\]}]'/gu, "'…'");
}
